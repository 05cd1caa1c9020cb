package evidence

import (
	"cmp"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

// removal is how long a kubelet may take to remove a pod that has ended because it
// was deleted. As the Job controller's finalizer holds it, that sets the deletion
// to this moment, without a grace period: when it was asked for is lost.
const removal = 5 * time.Second

// CutShort reports whether the pod was told to end before its containers did.
// A program that ends with 0 because it was asked to has proven nothing.
func CutShort(pod *corev1.Pod) bool {
	told := toldToEnd(pod)
	if told == nil {
		return false
	}
	// The kubelet's times have whole seconds: within the same one the benefit of
	// the doubt would be a pass, so there is none.
	ended := FinishedAt(pod)
	return ended == nil || !ended.Time.Before(told.Truncate(time.Second))
}

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

// WasDisrupted reports whether a disruption is what ended the pod's containers,
// or is about to.
func WasDisrupted(pod *corev1.Pod) bool {
	return disruptionTarget(pod) != nil && CutShort(pod) || TurnedAway(pod)
}

// TurnedAway reports whether a kubelet has refused to run the pod that was
// scheduled to its node. It says why, and nothing else, not even that the pod
// was scheduled: nothing of it has run.
func TurnedAway(pod *corev1.Pod) bool {
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

// DisruptedAt is when the pod was disrupted.
func DisruptedAt(pod *corev1.Pod) metav1.Time {
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

// WhyDisrupted says what has disrupted a pod.
func WhyDisrupted(pod *corev1.Pod) string {
	c := disruptionTarget(pod)
	if c == nil {
		return pod.Status.Reason + ": " + pod.Status.Message
	}
	return c.Reason + ": " + cmp.Or(pod.Status.Message, c.Message, "no more is known")
}

// Interrupted returns a pod that was told to end and whose containers all
// answered with 0. The Job is going to count it as a success and to start no
// other pod.
func Interrupted(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	for i := range pods {
		if exitedZero(&pods[i]) && CutShort(&pods[i]) && !dismissed(job, &pods[i]) && !Withdrawn(job, &pods[i]) {
			return &pods[i]
		}
	}
	return nil
}

// dismissed reports whether it may be the Job's own result that ended the pod.
// A Job of several pods deletes those that it needs no more, before it says so;
// it is no disruption to Kubernetes.
func dismissed(job *batchv1.Job, pod *corev1.Pod) bool {
	if Single(job) {
		return false
	}
	disruption := disruptionTarget(pod)
	if disruption == nil || Condition(job, batchv1.JobFailed) != nil {
		return true
	}
	met := Condition(job, batchv1.JobSuccessCriteriaMet)
	return met != nil && met.LastTransitionTime.Before(&disruption.LastTransitionTime)
}

// Withdrawn reports whether the Job controller has deleted the pod because the
// Job was suspended. It lets go of such a pod before it has ended, and never
// counts it. One that somebody else deletes it holds until it has: the Job then
// says so. The pod's news may come before the Job's.
func Withdrawn(job *batchv1.Job, pod *corev1.Pod) bool {
	counted := job.Status.Succeeded > 0 || Condition(job, batchv1.JobSuccessCriteriaMet) != nil || Condition(job, batchv1.JobComplete) != nil
	return pod.DeletionTimestamp != nil && disruptionTarget(pod) == nil && !counted &&
		!slices.Contains(pod.Finalizers, batchv1.JobTrackingFinalizer)
}

// Interruption says why a pod that was interrupted proves nothing.
func Interruption(pod *corev1.Pod) (reason, message string) {
	if c := disruptionTarget(pod); c != nil {
		return v1alpha1.ReasonDisrupted, "the pod was told to end (" + c.Reason + ") and exited with code 0, which proves nothing; a program that exits otherwise on SIGTERM is retried"
	}
	return v1alpha1.ReasonPodDeleted, "the pod was deleted before it had ended"
}

// LostSuccess says why a Job that is complete has not succeeded: the pod that it
// counts was never seen to end.
func LostSuccess(pods []corev1.Pod) (reason, message string) {
	for i := range pods {
		if !Ended(&pods[i]) && disruptionTarget(&pods[i]) != nil {
			return Interruption(&pods[i])
		}
	}
	return v1alpha1.ReasonPodDeleted, "the Job is complete, but its pod is gone, and with it what shows that the program ended by itself"
}

// Replaced reports whether a pod other than the one that gave the job its
// result runs or is about to: that one was lost before the Job counted it.
func Replaced(job *batchv1.Job, pods []corev1.Pod) bool {
	// Suspending a Job resets its start time.
	taken := job.Status.StartTime != nil || Suspended(job)
	lost := len(pods) == 0 && taken && job.Status.Active == 0 && job.Status.Succeeded == 0
	for i := range pods {
		pod := &pods[i]
		switch {
		case exitedZero(pod):
			return false
		case pod.Status.Phase == corev1.PodFailed, !Ended(pod):
			lost = true
		}
	}
	return lost
}
