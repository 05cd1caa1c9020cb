package plan

import (
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// failedFast returns the halt of a Run that ends with its first failure and has
// had it, or nil. A job that fails while it is being stopped for that is another,
// later one.
func (f *Facts) failedFast() *halt {
	if !f.Spec.FailFast {
		return nil
	}
	var first *v1alpha1.JobStatus
	for i := range f.Run.Status.Jobs {
		s := &f.Run.Status.Jobs[i]
		if s.HasFailed() && !f.isFinally(s.Name) && (first == nil || s.CompletionTime.Before(first.CompletionTime)) {
			first = s
		}
	}
	if first == nil {
		return nil
	}
	return &halt{
		phase: v1alpha1.RunFailed, stopping: v1alpha1.ReasonJobFailed, reason: v1alpha1.ReasonJobFailed, verb: "stopped",
		why: fmt.Sprintf("job %s failed: %s: %s", first.Name, first.Reason, gist(first.Message)),
	}
}

// failFast keeps a Run from starting more beside a failure that is to end it.
// That is recorded before anything is stopped: a job that failed stays so.
func (f *Facts) failFast(jobs []v1alpha1.JobStatus, d *Decision) {
	goesOn := func(s v1alpha1.JobStatus) bool { return !s.Phase.Finished() && !f.isFinally(s.Name) }
	failed := func(s v1alpha1.JobStatus) bool { return s.HasFailed() && !f.isFinally(s.Name) }
	if f.Spec.FailFast && slices.ContainsFunc(jobs, failed) && slices.ContainsFunc(jobs, goesOn) && f.halt() == nil {
		d.Create, d.Serve = nil, nil
		d.requeue(atOnce)
	}
}
