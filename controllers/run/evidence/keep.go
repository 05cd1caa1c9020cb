package evidence

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// killed is the code of a container that had to be.
const killed = 137

// Keeps reports whether pods of this spec keep something.
func Keeps(spec *corev1.PodSpec) bool {
	return slices.ContainsFunc(spec.InitContainers, func(c corev1.Container) bool { return keeper(&c) })
}

// keeper reports whether the init container is the sidecar that keeps what others leave.
func keeper(init *corev1.Container) bool {
	return init.Name == v1alpha1.KeepContainer && sidecar(init)
}

// keeps reports whether it is the status of the container of the pod that keeps things.
func keeps(pod *corev1.Pod, status *corev1.ContainerStatus) bool {
	return status.Name == v1alpha1.KeepContainer && Keeps(&pod.Spec)
}

// keepEnd returns how the container of the pod that keeps things has ended, or nil.
func keepEnd(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	for i := range pod.Status.InitContainerStatuses {
		if status := &pod.Status.InitContainerStatuses[i]; keeps(pod, status) {
			return status.State.Terminated
		}
	}
	return nil
}

// Unkept says what a pod that has ended could not keep, and what to do, blank if it has
// kept all that was asked for. By itself: no more than that is known to have ended the
// pod, or the container says so in its own words.
func Unkept(pod *corev1.Pod) (why string, byItself bool) {
	if !Ended(pod) || !Keeps(&pod.Spec) {
		return "", false
	}
	end := keepEnd(pod)
	switch {
	case end == nil || end.Reason == statusUnknown:
		return "how keeping what it leaves has ended isn't known", false
	case end.ExitCode == 0:
		return "", false
	}
	if said := readKept(end.Message).failure(); said != "" {
		return said, true
	}
	told := toldToEnd(pod)
	switch {
	case end.Reason == v1alpha1.ReasonOOMKilled:
		return "keeping what it leaves ran out of memory: raise the memory limit of container " + v1alpha1.KeepContainer, true
	case pod.Status.Reason != "" || told != nil && !end.FinishedAt.Before(told):
		return "the pod was told to end before it had kept what it leaves", false
	case end.ExitCode == killed:
		return fmt.Sprintf("keeping what it leaves didn't end within the pod's grace period of %s: raise terminationGracePeriodSeconds or the timeout of ci.artifacts", printable.Duration(Grace(pod))), true
	default:
		return fmt.Sprintf("keeping what it leaves ended with code %d: see the log of container %s", end.ExitCode, v1alpha1.KeepContainer), true
	}
}

// AwaitsKeep reports whether one of the pods keeps something, and hasn't been seen to end.
func AwaitsKeep(pods []corev1.Pod) bool {
	return slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return Keeps(&pod.Spec) && !Ended(&pod) })
}

// UnkeptOf is Unkept of the first pod that has succeeded and could not keep everything.
func UnkeptOf(pods []corev1.Pod) string {
	for i := range pods {
		if pods[i].Status.Phase != corev1.PodSucceeded {
			continue
		}
		if why, _ := Unkept(&pods[i]); why != "" {
			return why
		}
	}
	return ""
}

// Tests returns what the newest pod says of tests, nil for nothing, and its warnings.
// All of it is bounded and fit for eyes.
func Tests(pods []corev1.Pod) (summary *v1alpha1.TestSummary, warnings []string) {
	if len(pods) == 0 {
		return nil, nil
	}
	newest := slices.MaxFunc(pods, compareAge)
	end := keepEnd(&newest)
	if end == nil {
		return nil, nil
	}
	return readKept(end.Message).findings()
}
