package plan

import "github.com/kayci/kayci/api/v1alpha1"

// others is how much of the Run's room other jobs have taken: those decided about before
// this one, and those recorded after it.
func (f *Facts) others(name string, done map[string]*v1alpha1.JobStatus, size func(*v1alpha1.JobStatus) int) int {
	taken := 0
	for _, s := range done {
		taken += size(s)
	}
	for i := range f.Run.Status.Jobs {
		s := &f.Run.Status.Jobs[i]
		if done[s.Name] == nil && s.Name != name {
			taken += size(s)
		}
	}
	return taken
}
