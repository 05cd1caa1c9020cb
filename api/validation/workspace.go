package validation

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/parts"
	"github.com/kayci/kayci/api/v1alpha1"
)

// validateWorkspace checks the workspace itself, and that no template of the
// Pipeline is in its way.
func validateWorkspace(spec *v1alpha1.PipelineSpec, at *field.Path) field.ErrorList {
	w := spec.Workspace
	if w == nil {
		return nil
	}
	errs := validateMountPath(w.MountPath, at.Child("workspace", "mountPath"))
	errs = append(errs, validateClaim(&w.VolumeClaimTemplate, at.Child("workspace", "volumeClaimTemplate"))...)
	for _, p := range parts.Of(spec, at) {
		if p.Notifier == nil {
			errs = append(errs, validateWorkspaceRoom(&p.Template.Spec.Template, w, p.At.Child("spec", "template"))...)
		}
	}
	return errs
}

func validateMountPath(mountPath string, at *field.Path) field.ErrorList {
	if path.IsAbs(mountPath) && path.Clean(mountPath) == mountPath && mountPath != "/" && !strings.Contains(mountPath, ":") {
		return nil
	}
	return field.ErrorList{field.Invalid(at, mountPath, "must be an absolute path, without ':', '.', '..' or a slash at its end")}
}

func validateClaim(claim *corev1.PersistentVolumeClaimTemplate, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	metadata := at.Child("metadata")
	if claim.Name != "" || claim.GenerateName != "" || claim.Namespace != "" {
		errs = append(errs, field.Forbidden(metadata, "KayCI names the claim, in the Pipeline's namespace: remove name and namespace"))
	}
	if len(claim.Finalizers) > 0 || len(claim.OwnerReferences) > 0 {
		errs = append(errs, field.Forbidden(metadata, "the claim goes with its Run: remove finalizers and ownerReferences"))
	}
	if size := claim.Spec.Resources.Requests.Storage(); size.Sign() <= 0 {
		errs = append(errs, field.Required(at.Child("spec", "resources", "requests", "storage"), "a workspace says how large it is"))
	}
	if mode := claim.Spec.VolumeMode; mode != nil && *mode != corev1.PersistentVolumeFilesystem {
		errs = append(errs, field.NotSupported(at.Child("spec", "volumeMode"), *mode, []corev1.PersistentVolumeMode{corev1.PersistentVolumeFilesystem}))
	}
	return errs
}

// validateWorkspaceRoom refuses what would be in the way of the workspace in a
// pod that mounts it.
func validateWorkspaceRoom(t *corev1.PodTemplateSpec, w *v1alpha1.Workspace, pod *field.Path) field.ErrorList {
	errs := validateMountsElsewhere(t.Spec.InitContainers, t, w, pod.Child("spec", "initContainers"))
	errs = append(errs, validateMountsElsewhere(t.Spec.Containers, t, w, pod.Child("spec", "containers"))...)
	for i := range t.Spec.Volumes {
		if t.Spec.Volumes[i].Name == v1alpha1.WorkspaceVolume {
			errs = append(errs, field.Forbidden(pod.Child("spec", "volumes").Index(i).Child("name"), "is the name of the workspace's volume: choose another"))
		}
	}
	if w.OnOneNode() && requiresPods(&t.Spec) && mountsWorkspace(t) {
		errs = append(errs, field.Forbidden(pod.Child("spec", "affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
			"can't be combined with a workspace of access mode ReadWriteOnce, which requires that pods run on one node: Kubernetes would look for one pod that is meant by both"))
	}
	return errs
}

func requiresPods(spec *corev1.PodSpec) bool {
	return spec.Affinity != nil && spec.Affinity.PodAffinity != nil && len(spec.Affinity.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0
}

// mountsWorkspace reports whether the annotation leaves a container that the
// workspace is mounted in.
func mountsWorkspace(t *corev1.PodTemplateSpec) bool {
	names, restricted := t.Annotations[v1alpha1.MountWorkspaceAnnotation]
	return !restricted || len(splitNames(names)) > 0
}

func validateMountsElsewhere(containers []corev1.Container, t *corev1.PodTemplateSpec, w *v1alpha1.Workspace, at *field.Path) field.ErrorList {
	names, restricted := t.Annotations[v1alpha1.MountWorkspaceAnnotation]
	var errs field.ErrorList
	for i := range containers {
		if c := &containers[i]; !restricted || slices.Contains(splitNames(names), c.Name) {
			errs = append(errs, validateMounts(c, w, at.Index(i).Child("volumeMounts"))...)
		}
	}
	return errs
}

func validateMounts(c *corev1.Container, w *v1alpha1.Workspace, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range c.VolumeMounts {
		if given := c.VolumeMounts[i].MountPath; path.Clean(given) == w.MountPath {
			errs = append(errs, field.Invalid(at.Index(i).Child("mountPath"), given,
				"the Run's workspace is mounted there: choose another path, or leave this container out of the annotation "+v1alpha1.MountWorkspaceAnnotation))
		}
	}
	return errs
}
