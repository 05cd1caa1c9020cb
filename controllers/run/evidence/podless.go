package evidence

import (
	"cmp"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// AwaitsPod reports whether the Job is to have a pod that runs, and has none. What
// the Job controller of this cluster has counted may be old: it may be away.
func AwaitsPod(job *batchv1.Job, pods []corev1.Pod) bool {
	return !Finished(job) && !Suspended(job) && (job.Status.Active == 0 || Controlled(job)) && !Running(pods)
}

// NotTakenUp says that no controller has begun with the Job.
func NotTakenUp(job *batchv1.Job) string {
	text := "no controller has taken up its Job"
	if !Controlled(job) {
		text += ", which its template's managedBy leaves to " + *job.Spec.ManagedBy
	}
	return text
}

// NoPod says what is known of a Job without a pod whose events don't say why.
func NoPod(job *batchv1.Job, pods []corev1.Pod) string {
	for _, kind := range []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet} {
		if c := Condition(job, kind); c != nil {
			return Shorten(fmt.Sprintf("its Job is to end (%s: %s), and the Job controller hasn't ended it", kind, cmp.Or(c.Message, c.Reason)))
		}
	}
	switch failed := lastFailed(pods); {
	case failed != nil:
		_, why := podFailure(failed)
		return Shorten(fmt.Sprintf("pod %s has failed (%s), and the Job controller has neither ended its Job nor made another pod", failed.Name, why))
	case len(pods) > 0:
		return fmt.Sprintf("pod %s has ended, and the Job controller has neither ended its Job nor made another pod", pods[len(pods)-1].Name)
	case job.Status.Active > 0:
		return "its Job counts a pod that isn't there"
	default:
		return "its Job has no pod, and its events don't say why"
	}
}
