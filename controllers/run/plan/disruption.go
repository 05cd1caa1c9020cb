package plan

import (
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// cutShort reports whether the pod was told to end before its containers did.
// A program that ends with 0 because it was asked to has proven nothing.
func cutShort(pod *corev1.Pod) bool {
	told := toldToEnd(pod)
	if told == nil {
		return false
	}
	// The kubelet's times have whole seconds: within the same one the benefit of
	// the doubt would be a pass, so there is none.
	ended := finishedAt(pod)
	return ended == nil || !ended.Time.Before(told.Truncate(time.Second))
}

// removal is how long a kubelet may take to remove a pod that has ended because it
// was deleted. As the Job controller's finalizer holds it, that sets the deletion
// to this moment, without a grace period: when it was asked for is lost.
const removal = 5 * time.Second

// toldToEnd returns when the pod was first told to end, or nil.
func toldToEnd(pod *corev1.Pod) *metav1.Time {
	var told *metav1.Time
	if c := disruptionTarget(pod); c != nil {
		told = c.LastTransitionTime.DeepCopy()
	}
	if pod.DeletionTimestamp != nil {
		grace := time.Duration(ptr.Deref(pod.DeletionGracePeriodSeconds, 0)) * time.Second
		if grace == 0 {
			grace = removal
		}
		asked := metav1.NewTime(pod.DeletionTimestamp.Add(-grace))
		if told == nil || asked.Before(told) {
			told = &asked
		}
	}
	return told
}

// wasDisrupted reports whether a disruption is what ended the pod's containers,
// or is about to.
func wasDisrupted(pod *corev1.Pod) bool {
	return disruptionTarget(pod) != nil && cutShort(pod) || turnedAway(pod)
}

// turnedAway reports whether a kubelet has refused to run the pod that was
// scheduled to its node. It says why, and nothing else, not even that the pod
// was scheduled: nothing of it has run.
func turnedAway(pod *corev1.Pod) bool {
	taken := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		switch c.Type {
		case corev1.DisruptionTarget, corev1.PodScheduled, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodReadyToStartContainers:
			return true
		default:
			return false
		}
	})
	return !taken && pod.Status.Phase == corev1.PodFailed && pod.Spec.NodeName != "" &&
		pod.Status.Reason != "" && pod.Status.Reason != deadlineExceeded && len(pod.Status.ContainerStatuses) == 0
}

// disruptedAt is when the pod was disrupted.
func disruptedAt(pod *corev1.Pod) metav1.Time {
	if c := disruptionTarget(pod); c != nil {
		return c.LastTransitionTime
	}
	return pod.CreationTimestamp
}

func disruptionTarget(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// interrupted returns a pod that was told to end and whose containers all
// answered with 0. The Job is going to count it as a success and to start no
// other pod.
func interrupted(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	for i := range pods {
		if exitedZero(&pods[i]) && cutShort(&pods[i]) && !dismissed(job, &pods[i]) && !withdrawn(job, &pods[i]) {
			return &pods[i]
		}
	}
	return nil
}

// dismissed reports whether it may be the Job's own result that ended the pod.
// A Job of several pods deletes those that it needs no more, before it says so;
// it is no disruption to Kubernetes.
func dismissed(job *batchv1.Job, pod *corev1.Pod) bool {
	if single(job) {
		return false
	}
	disruption := disruptionTarget(pod)
	if disruption == nil || evidence.Condition(job, batchv1.JobFailed) != nil {
		return true
	}
	met := evidence.Condition(job, batchv1.JobSuccessCriteriaMet)
	return met != nil && met.LastTransitionTime.Before(&disruption.LastTransitionTime)
}

// withdrawn reports whether the Job controller has deleted the pod because the
// Job was suspended. It lets go of such a pod before it has ended, and never
// counts it. One that somebody else deletes it holds until it has: the Job then
// says so. The pod's news may come before the Job's.
func withdrawn(job *batchv1.Job, pod *corev1.Pod) bool {
	counted := job.Status.Succeeded > 0 || evidence.Condition(job, batchv1.JobSuccessCriteriaMet) != nil || evidence.Condition(job, batchv1.JobComplete) != nil
	return pod.DeletionTimestamp != nil && disruptionTarget(pod) == nil && !counted &&
		!slices.Contains(pod.Finalizers, batchv1.JobTrackingFinalizer)
}

func interruption(pod *corev1.Pod) (reason, message string) {
	if c := disruptionTarget(pod); c != nil {
		return v1alpha1.ReasonDisrupted, "the pod was told to end (" + c.Reason + ") and exited with code 0, which proves nothing; a program that exits otherwise on SIGTERM is retried"
	}
	return v1alpha1.ReasonPodDeleted, "the pod was deleted before it had ended"
}

// lostSuccess says why a Job that is complete has not succeeded: the pod that it
// counts was never seen to end.
func lostSuccess(pods []corev1.Pod) (reason, message string) {
	for i := range pods {
		if !evidence.Ended(&pods[i]) && disruptionTarget(&pods[i]) != nil {
			return interruption(&pods[i])
		}
	}
	return v1alpha1.ReasonPodDeleted, "the Job is complete, but its pod is gone, and with it what shows that the program ended by itself"
}

// replaced reports whether a pod other than the one that gave the job its
// result runs or is about to: that one was lost before the Job counted it.
func replaced(job *batchv1.Job, pods []corev1.Pod) bool {
	// Suspending a Job resets its start time.
	taken := job.Status.StartTime != nil || suspended(job)
	lost := len(pods) == 0 && taken && job.Status.Active == 0 && job.Status.Succeeded == 0
	for i := range pods {
		pod := &pods[i]
		switch {
		case exitedZero(pod):
			return false
		case pod.Status.Phase == corev1.PodFailed, !evidence.Ended(pod):
			lost = true
		}
	}
	return lost
}
