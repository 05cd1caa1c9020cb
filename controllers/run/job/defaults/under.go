package defaults

import (
	"encoding/json"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/parts"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// Version is raised whenever the same template and defaults come to something else
// than before, so that no copy of before is taken for what they come to now.
const Version = 1

// MaxRevision bounds a spec that a revision is to hold, as JSON: the API server
// stores no object of more than 1.5 MiB.
const MaxRevision = 1 << 20

// Under returns the spec with the defaults merged under its templates, or what
// keeps both from standing together. The spec itself stays as it is. A limit, in
// bytes as JSON, ends the merge as soon as it is passed: a few bytes of a job may
// become all that the defaults say.
func (d *Defaults) Under(spec *v1alpha1.PipelineSpec, limit int) (*v1alpha1.PipelineSpec, field.ErrorList) {
	merged := spec.DeepCopy()
	if len(d.Canonical()) == 0 {
		return merged, nil
	}
	at := field.NewPath("spec")
	size, err := sizeOf(spec)
	if err != nil {
		return merged, field.ErrorList{field.InternalError(at, err)}
	}
	var errs field.ErrorList
	for _, p := range parts.Of(merged, at) {
		if size > limit {
			break
		}
		result, grown, err := d.under(p.Template, p.Job != nil && p.Job.Timeout == nil)
		if err != nil {
			errs = append(errs, field.Invalid(p.At, field.OmitValueType{}, err.Error()))
			continue
		}
		size += grown
		*p.Template = *result
	}
	switch {
	case size > limit:
		return merged, field.ErrorList{field.Forbidden(at, fmt.Sprintf(
			"each template gets the defaults, and all together have more than %d KiB as JSON: let the defaults say less, or split the Pipeline", limit>>10))}
	case len(errs) > 0:
		return merged, errs
	}
	return merged, validation.Templates(merged, at)
}

func sizeOf(value any) (int, error) {
	encoded, err := json.Marshal(value)
	return len(encoded), err
}

// under merges them under one template, and tells by how much it grows. The
// deadline of a pod is a job's, and one that has its own timeout needs none.
func (d *Defaults) under(author *batchv1.JobTemplateSpec, deadline bool) (_ *batchv1.JobTemplateSpec, grown int, err error) {
	before, err := sizeOf(author)
	if err != nil {
		return nil, 0, err
	}
	merged, err := d.mergeUnder(author, deadline)
	if err != nil {
		return nil, 0, err
	}
	after, err := sizeOf(merged)
	return merged, after - before, err
}

func (d *Defaults) mergeUnder(author *batchv1.JobTemplateSpec, deadline bool) (*batchv1.JobTemplateSpec, error) {
	base, given := d.template.DeepCopy(), author.DeepCopy()
	pod, own := &base.Spec.Template.Spec, &given.Spec.Template.Spec
	partial, added := partials(pod.Containers), pod.InitContainers
	inits, containers := own.InitContainers, own.Containers
	// Their order is the program's. A merge by names would change it.
	pod.InitContainers, pod.Containers, own.InitContainers, own.Containers = nil, nil, nil, nil
	if !deadline {
		pod.ActiveDeadlineSeconds = nil
	}
	yieldPod(pod, own)
	inits = join(added, inits, nameOf, containers...)
	for _, list := range [][]corev1.Container{inits, containers} {
		for i := range list {
			c, err := mergeContainer(partial.of(list[i].Name), &list[i], own)
			if err != nil {
				return nil, fmt.Errorf("container %s: %w", list[i].Name, err)
			}
			exempt(c, pod.SecurityContext, own.SecurityContext)
			list[i] = *c
		}
	}
	merged, err := merge(base, given)
	if err != nil {
		return nil, err
	}
	merged.Spec.Template.Spec.InitContainers, merged.Spec.Template.Spec.Containers = inits, containers
	return merged, nil
}

// merge applies what is given to the base, as the API server would a strategic
// merge patch.
func merge[T any](base, given *T) (*T, error) {
	under, err := json.Marshal(base)
	if err != nil {
		return nil, err
	}
	over, err := json.Marshal(given)
	if err != nil {
		return nil, err
	}
	var result T
	encoded, err := strategicpatch.StrategicMergePatch(under, over, result)
	if err != nil {
		return nil, err
	}
	return &result, json.Unmarshal(encoded, &result)
}

func nameOf(c *corev1.Container) string { return c.Name }

// join puts items of the defaults before those of the author, but for those in
// whose place one of the author's is.
func join[T any, K comparable](base, given []T, key func(*T) K, others ...T) []T {
	taken := map[K]bool{}
	for _, list := range [][]T{given, others} {
		for i := range list {
			taken[key(&list[i])] = true
		}
	}
	var joined []T
	for i := range base {
		if !taken[key(&base[i])] {
			joined = append(joined, base[i])
		}
	}
	return append(joined, given...)
}
