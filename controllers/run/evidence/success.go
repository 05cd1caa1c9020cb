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

// Unproven reports whether the Job has had its verdict for longer than its pod's
// news should take, and no pod shows how it has ended.
func Unproven(job *batchv1.Job, pods []corev1.Pod, now time.Time) bool {
	old := func(verdict *batchv1.JobCondition) bool {
		return verdict != nil && now.Sub(verdict.LastTransitionTime.Time) >= PodNews
	}
	switch {
	case old(Condition(job, batchv1.JobComplete)):
		return Single(job) && Passed(job, pods) == nil && Interrupted(job, pods) == nil
	case old(Condition(job, batchv1.JobFailed)):
		return Running(pods)
	default:
		return false
	}
}
