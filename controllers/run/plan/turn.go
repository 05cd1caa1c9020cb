package plan

import (
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// takeTurns lets no more jobs start than may run at a time. Which do is known
// from their Jobs, so it is asked when all jobs have been decided about: one that
// stands later may have one.
func (f *Facts) takeTurns(jobs []v1alpha1.JobStatus, d *Decision) {
	if f.Spec.MaxParallel == nil {
		return
	}
	free := int(*f.Spec.MaxParallel)
	for i := range jobs {
		s := &jobs[i]
		// What became of a creation that had no clear answer isn't known: it may have
		// been done.
		unclear := f.Deferred[s.Name].Reason == v1alpha1.ReasonCreateError
		if !s.Phase.Finished() && (s.Phase == v1alpha1.JobRunning || f.Jobs[s.Name] != nil || unclear) {
			free--
		}
	}
	due := d.Create
	d.Create = nil
	for i := range jobs {
		s := &jobs[i]
		switch {
		case !slices.Contains(due, s.Name):
		case free > 0:
			free--
			d.Create = append(d.Create, s.Name)
		default:
			s.Reason, s.WaitingSince = v1alpha1.ReasonAwaitingTurn, nil
			s.Message = fmt.Sprintf("as many jobs run as the Pipeline's maxParallel allows: %d", *f.Spec.MaxParallel)
		}
	}
}
