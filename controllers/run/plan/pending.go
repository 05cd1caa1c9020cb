package plan

import (
	"fmt"
	"time"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// defaultPendingTimeout leaves room for a cluster that grows on demand, and for
// a person who reads the reason and repairs it.
const defaultPendingTimeout = time.Hour

// explainAfter is how long a Job that runs may be without a pod, or its pod on a
// node without a container, before events are asked for the reason. It is also
// how often they are asked again.
const explainAfter = 30 * time.Second

func (f *Facts) pendingTimeout() time.Duration {
	if f.Spec.PendingTimeout != nil {
		return f.Spec.PendingTimeout.Duration
	}
	return defaultPendingTimeout
}

// pendingLeft returns for how much longer may be pending what has been since
// then.
func (f *Facts) pendingLeft(since time.Time) time.Duration {
	return f.pendingTimeout() - f.Now.Sub(since)
}

// explainAfter is sooner where the pendingTimeout would else end a job before
// anybody has asked.
func (f *Facts) explainAfter() time.Duration {
	return min(explainAfter, f.pendingTimeout()/2)
}

// pendingTooLong says why what was pending for too long has failed.
func (f *Facts) pendingTooLong(w waiting) (reason, message string) {
	reason, message = w.reason, w.message
	if reason == "" {
		reason, message = v1alpha1.ReasonNotStarted, "its pod has not started, and nothing says why"
	}
	pending := fmt.Sprintf(" (pending for %s)", printable.Duration(f.pendingTimeout()))
	return reason, printable.Cut(message, evidence.MaxMessage-len(pending)) + pending
}

// expire ends a job that has not been able to start since then, if that is
// longer than the pendingTimeout, with the reason that kept it.
func (f *Facts) expire(s v1alpha1.JobStatus, since time.Time, d *Decision) v1alpha1.JobStatus {
	if left := f.pendingLeft(since); left > 0 {
		d.requeue(left)
		return s
	}
	reason, message := f.pendingTooLong(waitOf(s))
	return f.finish(s, v1alpha1.JobFailed, reason, message)
}
