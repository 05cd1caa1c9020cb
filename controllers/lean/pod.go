package lean

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

func (c *Cache) podSpec(spec *corev1.PodSpec) corev1.PodSpec {
	lean := corev1.PodSpec{
		ActiveDeadlineSeconds:         spec.ActiveDeadlineSeconds,
		TerminationGracePeriodSeconds: spec.TerminationGracePeriodSeconds,
		InitContainers:                c.containers(spec.InitContainers),
		Containers:                    c.containers(spec.Containers),
	}
	parts := []string{number(lean.ActiveDeadlineSeconds), number(lean.TerminationGracePeriodSeconds)}
	for _, containers := range [][]corev1.Container{lean.InitContainers, lean.Containers} {
		for i := range containers {
			container := &containers[i]
			parts = append(parts, container.Name, string(container.TerminationMessagePolicy), number(container.RestartPolicy))
		}
		parts = append(parts, "")
	}
	lean = c.podSpecs.one(keyOf(parts...), lean)
	lean.NodeName = spec.NodeName
	share(&c.texts, &lean.NodeName)
	return lean
}

func (c *Cache) containers(containers []corev1.Container) []corev1.Container {
	if len(containers) == 0 {
		return nil
	}
	lean := make([]corev1.Container, len(containers))
	for i := range containers {
		from := &containers[i]
		share(&c.texts, &from.Name)
		share(&c.texts, &from.TerminationMessagePolicy)
		lean[i] = corev1.Container{Name: from.Name, RestartPolicy: from.RestartPolicy, TerminationMessagePolicy: from.TerminationMessagePolicy}
	}
	return lean
}

func (c *Cache) podStatus(status *corev1.PodStatus) corev1.PodStatus {
	share(&c.texts, &status.Phase)
	share(&c.texts, &status.Reason, &status.Message)
	lean := corev1.PodStatus{
		Phase:                 status.Phase,
		Conditions:            c.podConditions(status),
		Message:               status.Message,
		Reason:                status.Reason,
		StartTime:             status.StartTime,
		InitContainerStatuses: c.containerStatuses(status.InitContainerStatuses),
		ContainerStatuses:     c.containerStatuses(status.ContainerStatuses),
	}
	if n := len(status.EphemeralContainerStatuses); n > 0 {
		lean.EphemeralContainerStatuses = make([]corev1.ContainerStatus, n) // Their number counts.
	}
	return lean
}

// podConditions leaves out, of a pod that has ended, all that only says that the pod
// was taken by a node, but for when it was.
func (c *Cache) podConditions(status *corev1.PodStatus) []corev1.PodCondition {
	for i := range status.Conditions {
		condition := &status.Conditions[i]
		share(&c.texts, &condition.Type)
		share(&c.texts, &condition.Status)
		share(&c.texts, &condition.Reason, &condition.Message)
	}
	if status.Phase != corev1.PodSucceeded && status.Phase != corev1.PodFailed {
		return status.Conditions
	}
	scheduled := slices.ContainsFunc(status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue
	})
	if !scheduled {
		return status.Conditions
	}
	return slices.DeleteFunc(status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type != corev1.PodScheduled && c.Type != corev1.DisruptionTarget
	})
}

func (c *Cache) containerStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	if len(statuses) == 0 {
		return nil
	}
	lean := make([]corev1.ContainerStatus, len(statuses))
	for i := range statuses {
		from := &statuses[i]
		share(&c.texts, &from.Name, &from.Image)
		lean[i] = corev1.ContainerStatus{Name: from.Name, State: c.state(from.State), LastTerminationState: c.state(from.LastTerminationState)}
		switch {
		case from.State.Waiting != nil:
			lean[i].Image = from.Image // It can't be pulled.
		case from.State.Terminated != nil && from.State.Terminated.Reason == unknown:
			lean[i].ContainerID = from.ContainerID // Whether there was one.
		}
	}
	return lean
}

// unknown is the reason of a container of which a kubelet doesn't know how it ended.
const unknown = "ContainerStatusUnknown"

func (c *Cache) state(state corev1.ContainerState) corev1.ContainerState {
	if waiting := state.Waiting; waiting != nil {
		share(&c.texts, &waiting.Reason, &waiting.Message)
	}
	if ended := state.Terminated; ended != nil {
		ended.ContainerID = ""
		share(&c.texts, &ended.Reason, &ended.Message)
	}
	return state
}
