package validation

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/parts"
	"github.com/kayci/kayci/api/v1alpha1"
)

// JobDefaults validates a template that is merged under those of all jobs. It
// says where and how pods run, and leaves to authors what a Job does.
func JobDefaults(t *batchv1.JobTemplateSpec, path *field.Path) field.ErrorList {
	errs := validateJobMetadata(t, path.Child("metadata"))
	errs = append(errs, validateDefaultMetadata(t.Labels, t.Annotations, path.Child("metadata"))...)
	errs = append(errs, validateOnlyPod(&t.Spec, path.Child("spec"))...)
	pod := path.Child("spec", "template")
	errs = append(errs, validateDefaultMetadata(t.Spec.Template.Labels, t.Spec.Template.Annotations, pod.Child("metadata"))...)
	return append(errs, validateDefaultPod(&t.Spec.Template.Spec, pod.Child("spec"))...)
}

func validateDefaultMetadata(labels, annotations map[string]string, path *field.Path) field.ErrorList {
	errs := metav1validation.ValidateLabels(labels, path.Child("labels"))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if isOwnKey(key) {
			errs = append(errs, field.Forbidden(path.Child("labels").Key(key), "KayCI's labels are no defaults: remove it"))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		at := path.Child("annotations").Key(key)
		for _, msg := range validation.IsQualifiedName(strings.ToLower(key)) {
			errs = append(errs, field.Invalid(at, key, msg))
		}
		if isOwnKey(key) {
			errs = append(errs, field.Forbidden(at, "it names containers, which are each job's own: remove it"))
		}
	}
	return errs
}

func isOwnKey(key string) bool { return strings.HasPrefix(key, v1alpha1.Group+"/") }

// validateOnlyPod refuses what a Job is beside its pod: how often it is tried and
// when it is done is its author's.
func validateOnlyPod(spec *batchv1.JobSpec, path *field.Path) field.ErrorList {
	rest := *spec
	rest.Template = corev1.PodTemplateSpec{}
	encoded, err := json.Marshal(rest)
	if err != nil {
		return field.ErrorList{field.InternalError(path, err)}
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return field.ErrorList{field.InternalError(path, err)}
	}
	delete(fields, "template")
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		errs = append(errs, field.Forbidden(path.Child(name), "of a Job's spec, defaults hold the pod's template alone: remove it"))
	}
	return errs
}

func validateDefaultPod(spec *corev1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	forbid := func(is bool, name, why string) {
		if is {
			errs = append(errs, field.Forbidden(path.Child(name), why))
		}
	}
	forbid(spec.RestartPolicy != "", "restartPolicy", "KayCI sets it: remove it")
	forbid(spec.Hostname != "", "hostname", "each pod has its own: remove it")
	forbid(spec.Subdomain != "", "subdomain", "each pod has its own: remove it")
	forbid(len(spec.EphemeralContainers) > 0, "ephemeralContainers", "a Job has none: remove it")
	for _, host := range []struct {
		is   bool
		name string
	}{{spec.HostNetwork, "hostNetwork"}, {spec.HostPID, "hostPID"}, {spec.HostIPC, "hostIPC"}} {
		forbid(host.is, host.name, "false can't be told from blank in a job's template, so that nobody could say otherwise: remove it")
	}
	forbid(spec.Resources != nil, "resources", "say it of the container "+v1alpha1.EveryContainer)
	if s := spec.ActiveDeadlineSeconds; s != nil && *s < 1 {
		errs = append(errs, field.Invalid(path.Child("activeDeadlineSeconds"), *s, "must be at least 1"))
	}
	for i := range spec.Volumes {
		if spec.Volumes[i].Name == v1alpha1.WorkspaceVolume {
			errs = append(errs, field.Forbidden(path.Child("volumes").Index(i).Child("name"), "the workspace has this name: choose another"))
		}
	}
	errs = append(errs, metav1validation.ValidateLabels(spec.NodeSelector, path.Child("nodeSelector"))...)
	seen := map[string]bool{}
	for i := range spec.Containers {
		errs = append(errs, validateDefaultContainer(&spec.Containers[i], seen, path.Child("containers").Index(i))...)
	}
	for i := range spec.InitContainers {
		errs = append(errs, validateAddedContainer(&spec.InitContainers[i], seen, path.Child("initContainers").Index(i))...)
	}
	return errs
}

// validateDefaultContainer checks what is merged under the containers of a name,
// or under all.
func validateDefaultContainer(c *corev1.Container, seen map[string]bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if c.Name != v1alpha1.EveryContainer {
		for _, msg := range validation.IsDNS1123Label(c.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), c.Name, msg+", or "+v1alpha1.EveryContainer+" for all containers"))
		}
	}
	if seen[c.Name] {
		errs = append(errs, field.Duplicate(path.Child("name"), c.Name))
	}
	seen[c.Name] = true
	rest := *c
	rest.Name, rest.ImagePullPolicy, rest.TerminationMessagePolicy = "", "", ""
	rest.Resources, rest.SecurityContext = corev1.ResourceRequirements{}, nil
	rest.Env, rest.EnvFrom, rest.VolumeMounts = nil, nil, nil
	switch {
	case c.Image != "":
		errs = append(errs, field.Forbidden(path.Child("image"),
			"a container that every Job had to wait for: what is to run beside all is an init container with restartPolicy Always"))
	case !equality.Semantic.DeepEqual(rest, corev1.Container{}):
		errs = append(errs, field.Forbidden(path, "of the containers of jobs, defaults hold env, envFrom, imagePullPolicy, resources, "+
			"securityContext, terminationMessagePolicy and volumeMounts: the rest is each job's own"))
	}
	return append(errs, validateContainer(c, nil, path)...)
}

// validateAddedContainer checks an init container that every pod gets.
func validateAddedContainer(c *corev1.Container, seen map[string]bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range validation.IsDNS1123Label(c.Name) {
		errs = append(errs, field.Invalid(path.Child("name"), c.Name, msg))
	}
	if seen[c.Name] {
		errs = append(errs, field.Duplicate(path.Child("name"), c.Name))
	}
	seen[c.Name] = true
	if c.Image == "" {
		errs = append(errs, field.Required(path.Child("image"),
			"every pod gets it: what goes for init containers of jobs stands in containers, by name or as "+v1alpha1.EveryContainer))
	}
	return append(errs, validateContainer(c, nil, path)...)
}

// Templates validates the templates of a Pipeline alone, after something was
// merged into them.
func Templates(spec *v1alpha1.PipelineSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, p := range parts.Of(spec, path) {
		errs = append(errs, validateTemplate(p.Template, p.At)...)
	}
	return append(errs, validateWorkspace(spec, path)...)
}
