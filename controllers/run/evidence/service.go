package evidence

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// ServiceEnd says why a service has ended, with a blank reason if nothing shows
// that it has: its pod's own news, which say more than the Job's.
func ServiceEnd(job *batchv1.Job, pods []corev1.Pod, now time.Time) (reason, message string) {
	for i := range pods {
		if Withdrawn(job, &pods[i]) {
			continue
		}
		if reason, message := podEnd(&pods[i]); reason != "" {
			return reason, message
		}
	}
	return jobEnd(job, pods, now)
}

// podEnd says why the pod of a service has ended, or was told to.
func podEnd(pod *corev1.Pod) (reason, message string) {
	disruption := disruptionTarget(pod)
	switch {
	case pod.Status.Reason != "" && Ended(pod):
		return podFailure(pod)
	case disruption != nil:
		return v1alpha1.ReasonDisrupted, Shorten("the pod was told to end: " + disruption.Reason + ": " + disruption.Message)
	case pod.DeletionTimestamp != nil && CutShort(pod):
		return v1alpha1.ReasonPodDeleted, "the pod was deleted"
	case pod.Status.Phase == corev1.PodFailed:
		return podFailure(pod)
	}
	// It can't be ready again without each of its containers.
	for i := range pod.Status.ContainerStatuses {
		c := &pod.Status.ContainerStatuses[i]
		switch t := c.State.Terminated; {
		case t == nil:
		case t.ExitCode == 0:
			return v1alpha1.ReasonCompleted, fmt.Sprintf("container %s exited with code 0: a service runs until its Run has ended", c.Name)
		default:
			return ContainerFailure(c)
		}
	}
	return "", ""
}

func ready(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// UnreadySince returns since when a service has not been ready: since when it
// could not start, or its containers have run.
func UnreadySince(pods []corev1.Pod, pending *time.Time) *time.Time {
	if pending != nil || slices.ContainsFunc(pods, ready) {
		return pending
	}
	var since *time.Time
	for i := range pods {
		for _, c := range pods[i].Status.ContainerStatuses {
			if c.State.Running != nil && (since == nil || c.State.Running.StartedAt.After(*since)) {
				since = &c.State.Running.StartedAt.Time
			}
		}
	}
	return since
}

// jobEnd says why a service has ended by its Job's verdict alone. The pod's own
// news may be on their way.
func jobEnd(job *batchv1.Job, pods []corev1.Pod, now time.Time) (reason, message string) {
	told := func(verdict *batchv1.JobCondition) bool {
		return verdict != nil && (!Running(pods) || now.Sub(verdict.LastTransitionTime.Time) >= PodNews)
	}
	failed := Condition(job, batchv1.JobFailed)
	switch {
	case told(failed):
		return jobFailure(job, failed)
	case told(Condition(job, batchv1.JobComplete)):
		return v1alpha1.ReasonCompleted, "its program ended with code 0: a service runs until its Run has ended"
	}
	return "", ""
}

// Ready reports whether one of the service's pods is.
func Ready(pods []corev1.Pod) bool { return slices.ContainsFunc(pods, ready) }
