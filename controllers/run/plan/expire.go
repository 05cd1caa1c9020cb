package plan

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// defaultPendingTimeout leaves room for a cluster that grows on demand, and for
// a person who reads the reason and repairs it.
const defaultPendingTimeout = time.Hour

// awaitStart explains what keeps a pod of the Job from starting, if anything
// does, and since when none has started.
func (f *Facts) awaitStart(s v1alpha1.JobStatus, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, *time.Time) {
	reason, message := f.unbound(pods, d)
	if reason == "" {
		reason, message = evidence.Problem(pods)
	}
	if reason == "" {
		reason, message = f.stalling(s, pods, d)
	}
	if reason == "" {
		pod, after := evidence.Untaken(pods, f.explainAfter(), f.Now)
		if d.requeue(after); pod != nil {
			reason, message = v1alpha1.ReasonNodeSilent, fmt.Sprintf("pod %s was given to node %s, which has not begun with it", pod.Name, pod.Spec.NodeName)
		}
	}
	return f.explain(s, reason, message), evidence.PendingSince(pods)
}

// expire ends a job that has not been able to start since then, if that is
// longer than the pendingTimeout, with the reason that kept it.
func (f *Facts) expire(s v1alpha1.JobStatus, since time.Time, d *Decision) v1alpha1.JobStatus {
	if left := f.pendingLeft(since); left > 0 {
		d.requeue(left)
		return s
	}
	reason, message := f.pendingTooLong(s)
	return f.end(s, v1alpha1.JobFailed, reason, message)
}

// pendingLeft returns for how much longer may be pending what has been since
// then.
func (f *Facts) pendingLeft(since time.Time) time.Duration {
	return f.pendingTimeout() - f.Now.Sub(since)
}

func (f *Facts) pendingTimeout() time.Duration {
	if f.Spec.PendingTimeout != nil {
		return f.Spec.PendingTimeout.Duration
	}
	return defaultPendingTimeout
}

// pendingTooLong says why what was pending for too long has failed.
func (f *Facts) pendingTooLong(s v1alpha1.JobStatus) (reason, message string) {
	reason, message = s.Reason, s.Message
	if reason == "" {
		reason, message = v1alpha1.ReasonNotStarted, "its pod has not started, and nothing says why"
	}
	pending := fmt.Sprintf(" (pending for %s)", printable.Duration(f.pendingTimeout()))
	return reason, printable.Cut(message, evidence.MaxMessage-len(pending)) + pending
}
