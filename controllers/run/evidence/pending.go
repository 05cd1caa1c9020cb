package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Reasons of a container whose image can't be pulled.
const (
	errImagePull     = "ErrImagePull"
	imagePullBackOff = "ImagePullBackOff"
)

// Problem says what keeps a pod from starting, or nothing if it is just on its
// way.
func Problem(pods []corev1.Pod) (reason, message string) {
	for i := range pods {
		if pods[i].Status.Phase != corev1.PodPending {
			continue
		}
		if reason, message := podProblem(&pods[i]); reason != "" {
			return reason, Shorten(message)
		}
	}
	return "", ""
}

func podProblem(pod *corev1.Pod) (reason, message string) {
	if c := Unscheduled(pod); c != nil && c.Reason != "" {
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
	case errImagePull, imagePullBackOff:
		// The kubelet alternates between the two: one word for both, and one text.
		why := waiting.Message
		if _, cause, backsOff := strings.Cut(why, errImagePull+": "); backsOff {
			why = cause
		}
		return imagePullBackOff, fmt.Sprintf("container %s: can't pull image %s: %s", status.Name, status.Image, why)
	default:
		return waiting.Reason, fmt.Sprintf("container %s: %s", status.Name, waiting.Message)
	}
}

// Unscheduled returns the condition in which the scheduler says that it has no node
// for the pod, or nil.
func Unscheduled(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c
		}
	}
	return nil
}

// PendingSince returns since when the Job could not go on because no pod of it
// has started, or nil if that is not why. A pod that a queue holds, or that is
// going to be replaced, has no part in that.
func PendingSince(pods []corev1.Pod) *time.Time {
	var since time.Time
	pending := false
	for i := range pods {
		pod := &pods[i]
		switch {
		case Ended(pod):
			if ended := FinishedAt(pod); ended != nil && ended.After(since) {
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
	c := Unscheduled(pod)
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

// StalledPod returns a pod that a node has taken and that has not come to its
// first container: a volume, or the network, isn't there. Pulling images comes
// after that, and may take its time.
func StalledPod(pods []corev1.Pod) *corev1.Pod {
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase != corev1.PodPending || pod.DeletionTimestamp != nil || pod.Status.StartTime == nil {
			continue
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReadyToStartContainers && c.Status == corev1.ConditionFalse {
				return pod
			}
		}
	}
	return nil
}

// AwaitsWorkspace reports whether the scheduler finds no node for a pod that
// mounts the Run's workspace: then the claim may be why.
func AwaitsWorkspace(pod *corev1.Pod) bool {
	return pod.Labels[v1alpha1.WorkspaceLabel] != "" && !Ended(pod) && Unscheduled(pod) != nil
}
