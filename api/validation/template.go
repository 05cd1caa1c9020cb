package validation

import (
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

// A Job's podFailurePolicy has room for 20 rules, and KayCI appends one.
const maxPodFailureRules = 19

// validateTemplate refuses what KayCI sets itself, and what would break one of
// its promises. The rest of the template is the API server's to judge.
func validateTemplate(t *batchv1.JobTemplateSpec, path *field.Path) field.ErrorList {
	errs := validateJobMetadata(t, path.Child("metadata"))
	errs = append(errs, validateJobSpec(&t.Spec, path.Child("spec"))...)
	pod := path.Child("spec", "template")
	errs = append(errs, validateContainerNames(&t.Spec.Template, v1alpha1.InjectParamsAnnotation, pod)...)
	errs = append(errs, validateContainerNames(&t.Spec.Template, v1alpha1.MountWorkspaceAnnotation, pod)...)
	errs = append(errs, validateContainerNames(&t.Spec.Template, v1alpha1.ExpandParamsAnnotation, pod)...)
	return append(errs, validatePodSpec(&t.Spec.Template, pod.Child("spec"))...)
}

func validateJobMetadata(t *batchv1.JobTemplateSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if t.Name != "" {
		errs = append(errs, field.Forbidden(path.Child("name"), "KayCI names the Job: remove it"))
	}
	if t.GenerateName != "" {
		errs = append(errs, field.Forbidden(path.Child("generateName"), "KayCI names the Job: remove it"))
	}
	if t.Namespace != "" {
		errs = append(errs, field.Forbidden(path.Child("namespace"), "a Job runs in its Pipeline's namespace: remove it"))
	}
	return errs
}

func validateJobSpec(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if spec.TTLSecondsAfterFinished != nil {
		errs = append(errs, field.Forbidden(path.Child("ttlSecondsAfterFinished"), "a Job deleted early would be run again: use the Pipeline's retention"))
	}
	if spec.Suspend != nil {
		errs = append(errs, field.Forbidden(path.Child("suspend"), "a job is created when it is ready: remove it"))
	}
	if spec.Selector != nil {
		errs = append(errs, field.Forbidden(path.Child("selector"), "Kubernetes sets it: remove it"))
	}
	if spec.ManualSelector != nil {
		errs = append(errs, field.Forbidden(path.Child("manualSelector"), "Kubernetes selects the pods: remove it"))
	}
	if p := spec.PodReplacementPolicy; p != nil && *p != batchv1.Failed {
		errs = append(errs, field.NotSupported(path.Child("podReplacementPolicy"), *p, []batchv1.PodReplacementPolicy{batchv1.Failed}))
	}
	if p := spec.PodFailurePolicy; p != nil && len(p.Rules) > maxPodFailureRules {
		errs = append(errs, field.TooMany(path.Child("podFailurePolicy", "rules"), len(p.Rules), maxPodFailureRules))
	}
	return errs
}

func validatePodSpec(pod *corev1.PodTemplateSpec, path *field.Path) field.ErrorList {
	spec, mayExpand := &pod.Spec, splitNames(pod.Annotations[v1alpha1.ExpandParamsAnnotation])
	var errs field.ErrorList
	if spec.RestartPolicy != "" && spec.RestartPolicy != corev1.RestartPolicyNever {
		errs = append(errs, field.NotSupported(path.Child("restartPolicy"), spec.RestartPolicy, []corev1.RestartPolicy{corev1.RestartPolicyNever}))
	}
	if len(spec.Containers) == 0 {
		errs = append(errs, field.Required(path.Child("containers"), "a pod has at least one container"))
	}
	for i := range spec.InitContainers {
		errs = append(errs, validateContainer(&spec.InitContainers[i], mayExpand, path.Child("initContainers").Index(i))...)
	}
	for i := range spec.Containers {
		errs = append(errs, validateContainer(&spec.Containers[i], mayExpand, path.Child("containers").Index(i))...)
	}
	return errs
}

// validateContainer lets Kubernetes expand $(KAYCI_…) in the commands of the
// containers that mayExpand names.
func validateContainer(c *corev1.Container, mayExpand []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, env := range c.Env {
		if strings.HasPrefix(env.Name, v1alpha1.EnvPrefix) {
			errs = append(errs, field.Forbidden(path.Child("env").Index(i).Child("name"),
				env.Name+" is KayCI's to set: choose a name that does not begin with "+v1alpha1.EnvPrefix))
		}
	}
	return append(errs, validateCommands(c, slices.Contains(mayExpand, c.Name), path)...)
}

// validateContainerNames checks that an annotation of the pod template names
// containers that it has.
func validateContainerNames(t *corev1.PodTemplateSpec, annotation string, path *field.Path) field.ErrorList {
	value, ok := t.Annotations[annotation]
	if !ok {
		return nil
	}
	var names []string
	for _, c := range slices.Concat(t.Spec.InitContainers, t.Spec.Containers) {
		names = append(names, c.Name)
	}
	at := path.Child("metadata", "annotations").Key(annotation)
	var errs field.ErrorList
	for _, name := range splitNames(value) {
		if !slices.Contains(names, name) {
			errs = append(errs, field.NotSupported(at, name, names))
		}
	}
	return errs
}

// splitNames splits the value of such an annotation.
func splitNames(value string) []string {
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
