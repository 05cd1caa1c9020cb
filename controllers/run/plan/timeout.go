package plan

import (
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
)

// defaultFinallyTimeout is enough to take down what a Run has put up.
const defaultFinallyTimeout = 10 * time.Minute

// timeLeft returns how much longer the Run may take, if there is a limit and it
// has started.
func (f *Facts) timeLeft() (left time.Duration, limited bool) {
	start := f.startTime()
	if f.Spec.Timeout == nil || start == nil {
		return 0, false
	}
	return start.Add(f.Spec.Timeout.Duration).Sub(f.Now), true
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
