package plan

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

const imagePullBackOff = "ImagePullBackOff"

// problem says what keeps a pod from starting, or nothing if it is just on its
// way.
func problem(pods []corev1.Pod) (reason, message string) {
	for i := range pods {
		if pods[i].Status.Phase != corev1.PodPending {
			continue
		}
		if reason, message := podProblem(&pods[i]); reason != "" {
			return reason, shorten(message)
		}
	}
	return "", ""
}

func podProblem(pod *corev1.Pod) (reason, message string) {
	if c := unscheduled(pod); c != nil && (c.Reason == corev1.PodReasonUnschedulable || c.Reason == corev1.PodReasonSchedulingGated) {
		return c.Reason, c.Message
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if waiting := statuses[i].State.Waiting; waiting != nil {
				if reason, message := containerProblem(&statuses[i]); reason != "" {
					return reason, message
				}
			}
		}
	}
	return "", ""
}

func containerProblem(status *corev1.ContainerStatus) (reason, message string) {
	waiting := status.State.Waiting
	switch waiting.Reason {
	case "", "ContainerCreating", "PodInitializing":
		return "", ""
	case "ErrImagePull", imagePullBackOff:
		// The kubelet alternates between the two: one word for both.
		return imagePullBackOff, fmt.Sprintf("container %s: can't pull image %s: %s", status.Name, status.Image, waiting.Message)
	default:
		return waiting.Reason, fmt.Sprintf("container %s: %s", status.Name, waiting.Message)
	}
}
