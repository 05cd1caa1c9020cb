package plan

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// failFast keeps a Run from starting more beside a failure that is to end it.
// That is recorded before anything is stopped: a job that failed stays so.
func (f *Facts) failFast(jobs []v1alpha1.JobStatus, h *halt, d *Decision) {
	goesOn := func(s v1alpha1.JobStatus) bool { return !s.Phase.Finished() && !f.isFinally(s.Name) }
	failed := func(s v1alpha1.JobStatus) bool { return s.HasFailed() && !f.isFinally(s.Name) }
	if f.Spec.FailFast && slices.ContainsFunc(jobs, failed) && slices.ContainsFunc(jobs, goesOn) && h == nil {
		d.Create, d.Serve = nil, nil
	}
}
