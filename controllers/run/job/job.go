// Package job builds the batch/v1 Jobs of a Run's jobs and services, the Services
// that those are found by, the claim of the Run's workspace and the ConfigMap
// with its parameters. It is pure: the same Run, number and spec always
// give the same objects under the same names, so that making them again after a
// crash meets what is there already.
package job

import (
	"math"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Build returns the Job of one job of the Run. It keeps the job's template and
// adds what makes it a part of the Run. The number is the Run's, and the
// Pipeline's spec is the one that the Run is pinned to.
func Build(run *v1alpha1.Run, number int64, pipeline *v1alpha1.PipelineSpec, spec *v1alpha1.Job) *batchv1.Job {
	built := assemble(run, number, &spec.Template, v1alpha1.JobLabel, spec.Name)
	pod := &built.Spec.Template
	setAttempts(&built.Spec)
	setTimeout(&pod.Spec, spec.Timeout)
	setToken(&pod.Spec)
	inject(pod, ParamsName(run.Spec.Pipeline, number), spec.Name)
	tellServices(pod, run, pipeline.Services)
	mountWorkspace(pod, run.Name, pipeline.Workspace)
	return built
}

// setTimeout puts the deadline on the pod. One on the Job would count the time
// in a queue, and would delete the pod with its log.
func setTimeout(pod *corev1.PodSpec, timeout *metav1.Duration) {
	if timeout == nil {
		return
	}
	seconds := int64(math.Ceil(timeout.Seconds()))
	seconds = max(1, min(seconds, int64(math.MaxInt32)))
	if given := pod.ActiveDeadlineSeconds; given == nil || *given > seconds {
		pod.ActiveDeadlineSeconds = &seconds
	}
}
