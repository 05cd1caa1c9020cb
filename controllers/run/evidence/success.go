package evidence

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// PodNews bounds the wait for the pod's own news after its Job has ended. They
// come by another watch, normally within milliseconds.
const PodNews = 10 * time.Second

// Passed returns the pod that shows that the Job has succeeded, before the Job
// itself says so: the Job controller gathers its news for a second, and every
// edge of the graph would pay for it. It is certain for a Job of one completion,
// when every container has ended with 0 by itself.
func Passed(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	if !Single(job) {
		return nil
	}
	for i := range pods {
		if exitedZero(&pods[i]) && !CutShort(&pods[i]) && !overdue(&pods[i]) {
			return &pods[i]
		}
	}
	return nil
}

// overdue reports whether the pod's deadline may be what ended its containers.
// The kubelet's verdict on the pod as a whole says so; until then an exit with 0
// proves nothing.
func overdue(pod *corev1.Pod) bool {
	deadline := DeadlineOf(pod)
	if Ended(pod) || deadline.IsZero() {
		return false
	}
	ended := FinishedAt(pod)
	return ended == nil || !ended.Time.Before(deadline)
}

// Unproven reports whether the Job has its verdict, and the pods don't show how it
// has ended: one hasn't for longer than its news should take, or some that have failed
// aren't among them.
func Unproven(job *batchv1.Job, pods []corev1.Pod, now time.Time) bool {
	if complete := Condition(job, batchv1.JobComplete); complete != nil {
		return now.Sub(complete.LastTransitionTime.Time) >= PodNews && Single(job) && Passed(job, pods) == nil && Interrupted(job, pods) == nil
	}
	return UnprovenFailure(job, pods, now)
}

// UnprovenFailure reports the same of a Job that has failed.
func UnprovenFailure(job *batchv1.Job, pods []corev1.Pod, now time.Time) bool {
	failed := Condition(job, batchv1.JobFailed)
	switch {
	case failed == nil:
		return false
	case Running(pods):
		return now.Sub(failed.LastTransitionTime.Time) >= PodNews
	}
	// Most disrupted pods are none that the Job counts.
	counted := int32(0)
	for i := range pods {
		if pods[i].Status.Phase == corev1.PodFailed && disruptionTarget(&pods[i]) == nil {
			counted++
		}
	}
	return counted < job.Status.Failed
}
