package evidence

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// StoppedDeadline is the deadline, in seconds, of a pod that is to end now. A
// smaller one isn't valid.
const StoppedDeadline = 1

// Ended reports whether the pod has ended for good.
func Ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// exitedZero reports whether the pod's work is done: each regular container has
// ended with 0, and so has each native sidecar, which may upload what the next job
// needs. The kubelet takes a second or two more to call the pod ended. It starts no
// sidecar again once the others have ended. One that was killed leaves the verdict to
// the pod as a whole.
func exitedZero(pod *corev1.Pod) bool {
	if Ended(pod) {
		return pod.Status.Phase == corev1.PodSucceeded
	}
	zero := map[string]bool{}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		ended := status.State.Terminated
		zero[status.Name] = ended != nil && ended.ExitCode == 0
	}
	goesOn := func(c corev1.Container) bool { return !zero[c.Name] }
	return len(pod.Spec.Containers) > 0 && !slices.ContainsFunc(pod.Spec.Containers, goesOn) &&
		!slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return sidecar(&c) && goesOn(c) })
}

func sidecar(init *corev1.Container) bool {
	return ptr.Deref(init.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways
}

// FinishedAt is when the last of the pod's regular containers ended, or nil.
func FinishedAt(pod *corev1.Pod) *metav1.Time {
	var last *metav1.Time
	for i := range pod.Status.ContainerStatuses {
		terminated := pod.Status.ContainerStatuses[i].State.Terminated
		if terminated == nil || terminated.FinishedAt.IsZero() {
			continue
		}
		if last == nil || last.Before(&terminated.FinishedAt) {
			last = terminated.FinishedAt.DeepCopy()
		}
	}
	return last
}

// AnyEnded reports whether one of the pods has ended for good.
func AnyEnded(pods []corev1.Pod) bool {
	return slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return Ended(&pod) })
}

// Running reports whether one of the pods has not ended.
func Running(pods []corev1.Pod) bool {
	for i := range pods {
		if !Ended(&pods[i]) {
			return true
		}
	}
	return false
}

// Started reports whether the pod may run on a node. What the kubelet says comes
// seconds after it has started the containers, so the node's name has to do.
func Started(pod *corev1.Pod) bool {
	return pod.Spec.NodeName != "" && !Ended(pod) && pod.DeletionTimestamp == nil
}

// HoldsLog reports whether a pod runs that may have something to say. One that
// is being deleted is lost anyway, perhaps with its node.
func HoldsLog(pods []corev1.Pod) bool {
	for i := range pods {
		if Started(&pods[i]) {
			return true
		}
	}
	return false
}

// ToldToStop reports whether the pod's deadline is one that ends it now.
func ToldToStop(pod *corev1.Pod) bool {
	return ptr.Deref(pod.Spec.ActiveDeadlineSeconds, StoppedDeadline+1) <= StoppedDeadline
}

// Begun reports whether a container of the pod may have run. The kubelet gives
// one that it has never made an exit code, too, when it ends the pod.
func Begun(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), func(s corev1.ContainerStatus) bool {
		ended := s.State.Terminated
		return s.State.Running != nil || s.LastTerminationState.Terminated != nil ||
			ended != nil && (ended.Reason != statusUnknown || s.ContainerID != "")
	})
}

// Grace is how long the pod may take to end once it is told to.
func Grace(pod *corev1.Pod) time.Duration {
	return time.Duration(ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)) * time.Second
}

func containersEnded(pod *corev1.Pod) bool {
	return len(pod.Status.ContainerStatuses) == len(pod.Spec.Containers) &&
		!slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.State.Terminated == nil })
}

// dueEnd returns when the pod is to have ended, the zero time if it may go on.
func dueEnd(pod *corev1.Pod) time.Time {
	switch ended := FinishedAt(pod); {
	case pod.DeletionTimestamp != nil:
		return pod.DeletionTimestamp.Time
	case ended != nil && containersEnded(pod):
		return ended.Add(Grace(pod))
	default:
		return time.Time{}
	}
}

// DeadlineOf returns when the pod is over its own deadline, the zero time for never.
func DeadlineOf(pod *corev1.Pod) time.Time {
	if pod.Spec.ActiveDeadlineSeconds == nil || pod.Status.StartTime == nil {
		return time.Time{}
	}
	return pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)
}

func assignedAt(pod *corev1.Pod) time.Time {
	at := pod.CreationTimestamp.Time
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.LastTransitionTime.After(at) {
			at = c.LastTransitionTime.Time
		}
	}
	return at
}
