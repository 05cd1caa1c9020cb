package run_test

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// keep gives some jobs a container that keeps what they leave, and those that can't keep
// it.
func keep(rng *rand.Rand, job *v1alpha1.Job, will fate) {
	if will != unkept && !chance(rng, 100) {
		return
	}
	spec := &job.Template.Spec.Template.Spec
	spec.InitContainers = []corev1.Container{{Name: v1alpha1.KeepContainer, RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
}

// hasToKeep reports whether the pod has such a container, which hasn't ended.
func hasToKeep(pod *corev1.Pod) bool {
	return len(pod.Spec.InitContainers) > 0 && len(pod.Status.InitContainerStatuses) == 0
}

// endRest ends that container, and then the pod.
func (s *simulation) endRest(pod *corev1.Pod) {
	if hasToKeep(pod) {
		s.server.update(pod, func() { s.endKeeping(pod) })
		return
	}
	s.endPod(pod)
}

// endKeeping ends the container that keeps things, after all others. It is killed where
// the pod was told to end.
func (s *simulation) endKeeping(pod *corev1.Pod) {
	if !hasToKeep(pod) {
		return
	}
	end := &corev1.ContainerStateTerminated{FinishedAt: s.server.now(), Message: `{"tests": {"tests": 3, "failed": 1, "failures": [{"name": "TestA"}]}}`}
	switch {
	case s.told(pod):
		end.ExitCode, end.Message = 137, ""
	case s.truth(pod).outcome == unkept:
		end.ExitCode, end.Message = 1, `{"error": "keeping artifact dist failed: the store is full"}`
	}
	pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: v1alpha1.KeepContainer, State: corev1.ContainerState{Terminated: end}}}
}

// checkKeeping checks that only a job that couldn't keep what it was to has failed for that,
// and that nothing is said of tests but by a pod of its own.
func (s *simulation) checkKeeping(r *v1alpha1.Run, got *v1alpha1.JobStatus, truth *truth) {
	s.t.Helper()
	keeps := len(s.spec(got.Name).Template.Spec.Template.Spec.InitContainers) > 0
	if got.Reason == v1alpha1.ReasonArtifactsFailed && (!keeps || truth.outcome != unkept && !truth.touched && !truth.disrupted && !cutShort(r)) {
		s.t.Errorf("%s: job %s has failed: %s: %s", r.Name, got.Name, got.Reason, got.Message)
	}
	if got.Tests != nil && (!keeps || truth.pods == 0 && !truth.reused) {
		s.t.Errorf("%s: job %s had %d pods, keeps something: %t, and says of its tests: %v", r.Name, got.Name, truth.pods, keeps, got.Tests)
	}
}
