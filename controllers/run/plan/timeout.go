package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

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

// timeLeft returns how much longer the Run may take, if there is a limit and it
// has started.
func (f *Facts) timeLeft() (left time.Duration, limited bool) {
	start := f.startTime()
	if f.Spec.Timeout == nil || start == nil {
		return 0, false
	}
	return start.Add(f.Spec.Timeout.Duration).Sub(f.Now), true
}

// startTime is when the first Job was created, or nil. The Jobs tell it before
// it is recorded, or when it could not be.
func (f *Facts) startTime() *metav1.Time {
	if recorded := f.Run.Status.StartTime; recorded != nil {
		return recorded.DeepCopy()
	}
	var first *metav1.Time
	for _, job := range f.Jobs {
		if first == nil || job.CreationTimestamp.Before(first) {
			first = job.CreationTimestamp.DeepCopy()
		}
	}
	return first
}
