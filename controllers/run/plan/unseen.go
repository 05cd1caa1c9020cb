package plan

import "github.com/kayci/kayci/controllers/run/evidence"

// Unproven reports whether a Job has had its verdict for longer than its pod's
// news should take, and no pod shows how it has ended. What the cache shows now
// would count for good, so the API server is asked for the pods first.
func (f *Facts) Unproven() bool {
	for i := range f.Spec.Jobs {
		name := f.Spec.Jobs[i].Name
		if job := f.Jobs[name]; job != nil && !f.recorded(name).Phase.Finished() && evidence.Unproven(job, f.pods(job), f.Now) {
			return true
		}
	}
	return false
}
