package plan

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

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
		reason, message = problem(pods)
	}
	if reason == "" {
		reason, message = f.stalling(s, pods, d)
	}
	if reason == "" {
		reason, message = f.untaken(pods, d)
	}
	return f.explain(s, reason, message), pendingSince(pods)
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
	pending := fmt.Sprintf(" (pending for %s)", brief(f.pendingTimeout()))
	return reason, cut(message, maxMessage-len(pending)) + pending
}

// pendingSince returns since when the Job could not go on because no pod of it
// has started, or nil if that is not why. A pod that a queue holds, or that is
// going to be replaced, has no part in that.
func pendingSince(pods []corev1.Pod) *time.Time {
	var since time.Time
	pending := false
	for i := range pods {
		pod := &pods[i]
		switch {
		case evidence.Ended(pod):
			if ended := finishedAt(pod); ended != nil && ended.After(since) {
				since = ended.Time
			}
			continue
		case pod.Status.Phase != corev1.PodPending, pod.DeletionTimestamp != nil, gated(pod), initializing(pod):
			return nil
		}
		pending = true
		for _, at := range append(initEnds(pod), pod.CreationTimestamp.Time) {
			if at.After(since) {
				since = at
			}
		}
	}
	if !pending {
		return nil
	}
	return &since
}

func gated(pod *corev1.Pod) bool {
	c := unscheduled(pod)
	return c != nil && c.Reason == corev1.PodReasonSchedulingGated
}

// initializing reports whether an init container that is to end runs.
func initializing(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.State.Running != nil && !slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == s.Name && sidecar(&c)
		})
	})
}

func initEnds(pod *corev1.Pod) []time.Time {
	var ends []time.Time
	for i := range pod.Status.InitContainerStatuses {
		if ended := pod.Status.InitContainerStatuses[i].State.Terminated; ended != nil {
			ends = append(ends, ended.FinishedAt.Time)
		}
	}
	return ends
}
