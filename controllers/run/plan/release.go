package plan

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// releases reports whether the Run gives its place back: nothing of it runs, and
// all that it could go on with waits for approvals.
func (r *result) releases(d *Decision) bool {
	recorded := r.Run.Status.Concurrency
	if recorded == nil || !recorded.Admitted || r.Place == nil || r.halt != nil || d.Acts() || !r.MayRelease() {
		return false
	}
	return r.awaitsApproval() && r.rests()
}

// awaitsApproval reports whether an approval is all that lets the Run go on.
func (r *result) awaitsApproval() bool {
	asks := false
	for i := range r.jobs {
		s := &r.jobs[i]
		switch {
		case s.Phase.Finished():
		case s.Phase != v1alpha1.JobWaiting, s.Job != "", r.Jobs[s.Name] != nil:
			return false
		case s.Reason == v1alpha1.ReasonAwaitingApproval:
			asks = true
		case s.Reason != v1alpha1.ReasonAwaitingNeeds:
			return false
		}
	}
	return asks
}

// awaitPlace keeps a Run that has given its place back from starting anything
// until it has one again.
func (f *Facts) awaitPlace(jobs []v1alpha1.JobStatus, d *Decision) {
	if f.Place == nil || f.Place.Admitted || !f.Place.Released {
		return
	}
	d.NeedsPlace = len(d.Create)+len(d.Number) > 0
	for i := range jobs {
		if s := &jobs[i]; slices.Contains(d.Create, s.Name) {
			s.Reason, s.Message, s.WaitingSince = v1alpha1.ReasonQueued, awaitsPlace, nil
		}
	}
	d.Create = nil
	if d.NeedsPlace {
		d.requeue(lookInQueue)
	}
}
