package job

import (
	"maps"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// NumberAnnotation is, on a Job, the number of its Run: a controller that was
// killed before it could record the number in the Run's status finds it here.
const NumberAnnotation = v1alpha1.Group + "/run-number"

// assemble returns the Job that a template makes in a Run, under the name that
// the part has in the Pipeline. Its role is the label that holds that name.
func assemble(run *v1alpha1.Run, number int64, given *batchv1.JobTemplateSpec, role, name string) *batchv1.Job {
	template := given.DeepCopy()
	for _, taken := range []string{v1alpha1.JobLabel, v1alpha1.ServiceLabel, v1alpha1.NotifierLabel, v1alpha1.LockLabel, v1alpha1.RunUIDLabel} {
		// Which part a pod is of is what its label says, and which lock.
		delete(template.Labels, taken)
		delete(template.Spec.Template.Labels, taken)
	}
	labels := map[string]string{
		v1alpha1.RunLabel:      run.Name,
		role:                   name,
		v1alpha1.PipelineLabel: run.Spec.Pipeline,
	}
	if lock, bound := queue.LockOf(run); bound && role != v1alpha1.NotifierLabel {
		labels[v1alpha1.LockLabel], labels[v1alpha1.RunUIDLabel] = lock.Label(), string(run.UID)
	}
	template.Spec.Template.Labels = merge(template.Spec.Template.Labels, labels)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       run.Namespace,
			Name:            JobName(run, name),
			Labels:          merge(template.Labels, labels),
			Annotations:     merge(template.Annotations, map[string]string{NumberAnnotation: strconv.FormatInt(number, 10)}),
			OwnerReferences: []metav1.OwnerReference{owner(run)},
		},
		Spec: template.Spec,
	}
}

func owner(run *v1alpha1.Run) metav1.OwnerReference {
	return *metav1.NewControllerRef(run, v1alpha1.GroupVersion().WithKind(v1alpha1.RunKind))
}

func merge(given, ours map[string]string) map[string]string {
	merged := maps.Clone(given)
	if merged == nil {
		merged = make(map[string]string, len(ours))
	}
	maps.Copy(merged, ours)
	return merged
}

// setAttempts says how often the job is tried.
func setAttempts(spec *batchv1.JobSpec) {
	spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	// Never two pods of one attempt at once. Kubernetes demands it, too, of a Job
	// with a podFailurePolicy.
	spec.PodReplacementPolicy = ptr.To(batchv1.Failed)
	setFailures(spec)
}

// setToken keeps the API server's credentials out of pods that don't ask for
// them.
func setToken(pod *corev1.PodSpec) {
	named := pod.ServiceAccountName != "" || pod.DeprecatedServiceAccount != ""
	if !named && pod.AutomountServiceAccountToken == nil {
		pod.AutomountServiceAccountToken = new(false)
	}
}
