package plan

import (
	"cmp"
	"fmt"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// halts is why jobs are to end now: those of the Run, and its finally jobs.
type halts struct {
	run, finally *halt
}

// of returns why the job is to end now, or nil.
func (h halts) of(spec *v1alpha1.Job) *halt {
	if spec.Finally {
		return h.finally
	}
	return h.run
}

func (f *Facts) halts(services []service) halts {
	run := f.haltRun(services)
	return halts{run: run, finally: f.haltFinally(run)}
}

// haltRun returns why the Run is to end now, or nil. Once it has returned a halt it
// always does: jobs that were ended for it stay so. Of several reasons the one
// that was recorded first stays. When the finally jobs may start, how the Run ends
// is decided, and no reason comes any more.
func (f *Facts) haltRun(services []service) *halt {
	var first *halt
	recorded := f.reason()
	for _, h := range []*halt{f.serviceFailed(services), f.cancelled(), f.timedOut(), f.displaced(), f.failedFast(), f.serviceFailing(services)} {
		if h != nil && recorded == h.stopping {
			return h
		}
		first = cmp.Or(first, h)
	}
	if f.Run.Status.FinallyStartTime != nil {
		return nil
	}
	return first
}

// haltFinally returns why finally jobs are to end now, or nil. What ends the Run is
// what they are for: only their own time limit ends them, but where nothing has
// started that they could be for.
func (f *Facts) haltFinally(run *halt) *halt {
	if run != nil && f.startTime() == nil {
		return run
	}
	if start := f.Run.Status.FinallyStartTime; start == nil || f.finallyLeft(start.Time) > 0 {
		return nil
	}
	return &halt{
		job: v1alpha1.JobFailed, reason: v1alpha1.ReasonTimedOut, verb: "timed out",
		why: "the finally jobs took longer than the finallyTimeout of " + printable.Duration(f.finallyTimeout()),
	}
}

func (f *Facts) cancelled() *halt {
	if !f.Run.Spec.Cancelled {
		return nil
	}
	return cancellation()
}

// serviceFailed returns the halt of a Run that is known to have lost a service, or
// nil.
func (f *Facts) serviceFailed(services []service) *halt {
	for i := range services {
		if s := &services[i].recorded; s.Phase == v1alpha1.ServiceFailed && s.Reason != "" {
			return serviceFailure(s.Name, evidence.Why{Reason: s.Reason, Message: s.Message})
		}
	}
	return nil
}

// serviceFailing returns the halt of a Run that has just lost a service, or nil.
func (f *Facts) serviceFailing(services []service) *halt {
	for i := range services {
		if s := &services[i]; s.failure.Reason != "" {
			h := serviceFailure(s.name, s.failure)
			h.passing = true
			return h
		}
	}
	return nil
}

func serviceFailure(name string, why evidence.Why) *halt {
	return &halt{
		phase: v1alpha1.RunFailed, stopping: v1alpha1.ReasonServiceFailed, reason: v1alpha1.ReasonServiceFailed, verb: "stopped",
		why: fmt.Sprintf("service %s failed: %s: %s", name, why.Reason, printable.CutMiddle(why.Message, maxSummary)),
	}
}

// displaced returns the halt of a Run that other Runs of its key have no room
// for, or nil.
func (f *Facts) displaced() *halt {
	switch p := f.Place; {
	case p == nil:
		return nil
	case p.ReplacedBy != "":
		return &halt{
			phase: v1alpha1.RunCancelled, stopping: v1alpha1.ReasonReplacing, reason: v1alpha1.ReasonReplaced,
			verb: "replaced", why: fmt.Sprintf("run %s of %s is newer", p.ReplacedBy, lock(p)),
		}
	case p.Skipped:
		return &halt{
			phase: v1alpha1.RunCancelled, stopping: v1alpha1.ReasonSkipped, reason: v1alpha1.ReasonSkipped,
			verb: "skipped", why: fmt.Sprintf("no place for another run of %s beside %s", lock(p), inTheWay(p)),
		}
	default:
		return nil
	}
}

// timedOut returns the halt of a Run that has taken longer than it may, or nil.
// Once that is recorded it stays: by the clock of another controller's machine
// there may be time left.
func (f *Facts) timedOut() *halt {
	if left, limited := f.timeLeft(); !limited || (left > 0 && f.reason() != v1alpha1.ReasonTimingOut) {
		return nil
	}
	return &halt{
		phase: v1alpha1.RunFailed, stopping: v1alpha1.ReasonTimingOut, reason: v1alpha1.ReasonTimedOut, verb: "timed out",
		why: "the Run took longer than its timeout of " + printable.Duration(f.Spec.Timeout.Duration),
	}
}

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
		why: fmt.Sprintf("job %s failed: %s", first.Name, sayFailed(first)),
	}
}
