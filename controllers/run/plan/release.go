package plan

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// MayRelease reports whether the Run may ever give its place back before it ends.
// Services run as long as it does, so that one that has some never does.
func (f *Facts) MayRelease() bool {
	return f.Spec.Concurrency != nil && len(f.Spec.Services) == 0 &&
		slices.ContainsFunc(f.Spec.Jobs, func(job v1alpha1.Job) bool { return job.Approval != nil })
}

// releases reports whether the Run gives its place back: nothing of it runs, and
// all that it could go on with waits for approvals.
func (f *Facts) releases(jobs []v1alpha1.JobStatus, d *Decision) bool {
	recorded := f.Run.Status.Concurrency
	if recorded == nil || !recorded.Admitted || f.Place == nil || f.halt() != nil || d.Acts() || !f.MayRelease() {
		return false
	}
	return f.awaitsApproval(jobs) && f.rests()
}

// awaitsApproval reports whether an approval is all that lets the Run go on.
func (f *Facts) awaitsApproval(jobs []v1alpha1.JobStatus) bool {
	asks := false
	for i := range jobs {
		s := &jobs[i]
		switch {
		case s.Phase.Finished():
		case s.Phase != v1alpha1.JobWaiting, s.Job != "", f.Jobs[s.Name] != nil:
			return false
		case s.Reason == v1alpha1.ReasonAwaitingApproval:
			asks = true
		case s.Reason != v1alpha1.ReasonAwaitingNeeds:
			return false
		}
	}
	return asks
}

// rests reports whether nothing of the Run's jobs runs, or can any more.
func (f *Facts) rests() bool {
	for _, job := range f.Jobs {
		if !evidence.Finished(job) || evidence.Running(f.pods(job)) {
			return false
		}
	}
	return true
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
	switch {
	case !d.NeedsPlace:
	case f.Place.Position == 0:
		d.requeue(atOnce)
	default:
		d.requeue(lookInQueue)
	}
}
