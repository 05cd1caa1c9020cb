package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// defaultFinallyTimeout is enough to take down what a Run has put up.
const defaultFinallyTimeout = 10 * time.Minute

// isFinally reports whether it is the name of a finally job.
func (f *Facts) isFinally(job string) bool {
	return slices.ContainsFunc(f.Spec.Jobs, func(j v1alpha1.Job) bool { return j.Name == job && j.Finally })
}

// haltOf returns why the job is to end now, or nil. What ends the Run is what
// finally jobs are for: only their own time limit ends them, but where nothing
// has started that they could be for.
func (f *Facts) haltOf(job string) *halt {
	h := f.halt()
	if !f.isFinally(job) || h != nil && f.startTime() == nil {
		return h
	}
	if start := f.Run.Status.FinallyStartTime; start == nil || f.finallyLeft(start.Time) > 0 {
		return nil
	}
	return &halt{
		job: v1alpha1.JobFailed, reason: v1alpha1.ReasonTimedOut, verb: "timed out",
		why: "the finally jobs took longer than the finallyTimeout of " + printable.Duration(f.finallyTimeout()),
	}
}

func (f *Facts) finallyTimeout() time.Duration {
	if f.Spec.FinallyTimeout != nil {
		return f.Spec.FinallyTimeout.Duration
	}
	return defaultFinallyTimeout
}

func (f *Facts) finallyLeft(start time.Time) time.Duration {
	return start.Add(f.finallyTimeout()).Sub(f.Now)
}

// limit returns how much longer what is going on may take, if there is a limit:
// the Run's own, or that of its finally jobs.
func (f *Facts) limit(s *v1alpha1.RunStatus) (left time.Duration, limited bool) {
	if s.FinallyStartTime != nil {
		return f.finallyLeft(s.FinallyStartTime.Time), true
	}
	return f.timeLeft()
}

// admitFinally reports whether the finally job may start.
func (f *Facts) admitFinally(spec *v1alpha1.Job, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) (v1alpha1.JobStatus, bool) {
	ancestors := graph.Ancestors(f.Spec.Jobs, spec.Name)
	goesOn := func(name string) bool { return !done[name].Phase.Finished() }
	switch i := slices.IndexFunc(ancestors, goesOn); {
	case i < 0 && spec.If == "":
		return s, true
	case i < 0:
		return f.evaluate(spec, s, ancestors, done, d)
	case f.isFinally(ancestors[i]):
		return await(s, "needs "+strings.Join(spec.Needs, ", ")), false
	default:
		return await(s, "comes after all other jobs"), false
	}
}

// awaitsFinally reports whether all jobs have ended but finally jobs, of which
// there is something to do.
func (f *Facts) awaitsFinally(jobs []v1alpha1.JobStatus) bool {
	finally := false
	for i := range jobs {
		switch s := &jobs[i]; {
		case s.Phase.Finished():
		case !f.isFinally(s.Name):
			return false
		default:
			finally = true
		}
	}
	return finally && !f.queued()
}

// mainEnded reports whether all jobs but finally jobs are known to have ended.
func (f *Facts) mainEnded() bool {
	recorded := f.Run.Status.Jobs
	return len(recorded) == len(f.Spec.Jobs) &&
		!slices.ContainsFunc(recorded, func(s v1alpha1.JobStatus) bool { return !s.Phase.Finished() && !f.isFinally(s.Name) })
}

// endedBy returns the halt that has decided how the Run ends, or nil if its jobs
// have by themselves. Of finally jobs it cancels only those of a Run that has not
// started.
func (f *Facts) endedBy(jobs []v1alpha1.JobStatus) *halt {
	h := f.halt()
	failed := false
	for i := range jobs {
		switch s := &jobs[i]; s.Phase {
		case v1alpha1.JobCancelled:
			return cmp.Or(h, cancelled())
		case v1alpha1.JobFailed:
			failed = failed || !f.isFinally(s.Name)
		default:
		}
	}
	if failed && h != nil && h.reason == v1alpha1.ReasonServiceFailed {
		// A job that failed when its service did has its own, lesser reason.
		return h
	}
	return nil
}

// outcome returns the phase that the Run comes to by all but its finally jobs.
func (f *Facts) outcome(jobs []v1alpha1.JobStatus) v1alpha1.RunPhase {
	if h := f.endedBy(jobs); h != nil {
		return h.phase
	}
	if slices.ContainsFunc(jobs, func(s v1alpha1.JobStatus) bool { return s.HasFailed() && !f.isFinally(s.Name) }) {
		return v1alpha1.RunFailed
	}
	return v1alpha1.RunSucceeded
}

// failedFinally returns the names of finally jobs that have failed.
func (f *Facts) failedFinally(jobs []v1alpha1.JobStatus) []string {
	var failed []string
	for i := range jobs {
		if s := &jobs[i]; s.HasFailed() && f.isFinally(s.Name) {
			failed = append(failed, s.Name)
		}
	}
	return failed
}
