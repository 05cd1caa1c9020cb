package plan

import (
	"cmp"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// result is what the parts of a Run have come to.
type result struct {
	*Facts
	jobs     []v1alpha1.JobStatus
	services []v1alpha1.ServiceStatus
	// halt is why the Run is to end now, or nil.
	halt *halt
}

// awaitsFinally reports whether all jobs have ended but finally jobs, of which
// there is something to do.
func (r *result) awaitsFinally() bool {
	finally := false
	for i := range r.jobs {
		switch s := &r.jobs[i]; {
		case s.Phase.Finished():
		case !r.isFinally(s.Name):
			return false
		default:
			finally = true
		}
	}
	return finally && !r.queued()
}

// endedBy returns the halt that has decided how the Run ends, or nil if its jobs
// have by themselves. Of finally jobs it cancels only those of a Run that has not
// started.
func (r *result) endedBy() *halt {
	failed := false
	for i := range r.jobs {
		switch s := &r.jobs[i]; s.Phase {
		case v1alpha1.JobCancelled:
			return cmp.Or(r.halt, cancellation())
		case v1alpha1.JobFailed:
			failed = failed || !r.isFinally(s.Name)
		default:
		}
	}
	if failed && r.halt != nil && r.halt.reason == v1alpha1.ReasonServiceFailed {
		// A job that failed when its service did has its own, lesser reason.
		return r.halt
	}
	return nil
}

// outcome returns the phase that the Run comes to by all but its finally jobs.
func (r *result) outcome() v1alpha1.RunPhase {
	if h := r.endedBy(); h != nil {
		return h.phase
	}
	if slices.ContainsFunc(r.jobs, func(s v1alpha1.JobStatus) bool { return s.HasFailed() && !r.isFinally(s.Name) }) {
		return v1alpha1.RunFailed
	}
	return v1alpha1.RunSucceeded
}

// failedFinally returns the names of finally jobs that have failed.
func (r *result) failedFinally() []string {
	var failed []string
	for i := range r.jobs {
		if s := &r.jobs[i]; s.HasFailed() && r.isFinally(s.Name) {
			failed = append(failed, s.Name)
		}
	}
	return failed
}
