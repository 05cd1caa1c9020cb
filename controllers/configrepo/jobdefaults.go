package configrepo

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job/defaults"
	"github.com/kayci/kayci/sync/apply"
)

// merged is a rendering with the defaults for jobs, and what it was made from. It
// saves work and may be lost.
type merged struct {
	rendering, version string
	desired            []apply.Desired
}

// withJobDefaults merges the defaults that the spec names under the Pipelines of a
// commit. They are read at each look, by name, since they can't be watched without
// the right to see all ConfigMaps. As with a commit's own faults, those of the
// defaults leave everything as it was.
func (s *sync) withJobDefaults(ctx context.Context, rendering string, desired []apply.Desired) ([]apply.Desired, error) {
	if s.repo.Spec.JobDefaults == nil {
		return desired, nil
	}
	var found corev1.ConfigMap
	name := s.repo.Spec.JobDefaults.Name
	err := s.APIReader.Get(ctx, client.ObjectKey{Namespace: s.repo.Namespace, Name: name}, &found)
	switch {
	case apierrors.IsNotFound(err):
		return nil, invalidJobDefaults("there is no ConfigMap %q in this namespace", name)
	case err != nil:
		return nil, fmt.Errorf("read ConfigMap %q: %w", name, err)
	}
	version := fmt.Sprintf("%s %s", found.UID, found.ResourceVersion)
	if m := s.known.merged; m.rendering == rendering && m.version == version {
		return m.desired, nil
	}
	template, err := defaults.Parse(found.Data)
	if err != nil {
		return nil, invalidJobDefaults("ConfigMap %q: %v", name, err)
	}
	result := merged{rendering: rendering, version: version}
	var faults []apply.Fault
	for _, d := range desired {
		with, messages, err := mergeUnder(template, d)
		if err != nil {
			return nil, fmt.Errorf("%s: merge the defaults for jobs under %s: %w", d.File, d.Key, err)
		}
		for _, message := range messages {
			faults = append(faults, apply.Fault{File: d.File, Key: d.Key, Message: fmt.Sprintf("with the defaults of ConfigMap %q: %s", name, message)})
		}
		result.desired = append(result.desired, with)
	}
	if len(faults) > 0 {
		return nil, &apply.RefusedError{Faults: faults}
	}
	s.known.merged = result
	return result.desired, nil
}

// mergeUnder returns the object as it is applied, or what keeps it and the
// defaults from standing together.
func mergeUnder(template *defaults.Defaults, d apply.Desired) (apply.Desired, []string, error) {
	if d.Key.Kind != v1alpha1.PipelineKind || len(template.Canonical()) == 0 {
		return d, nil, nil
	}
	var pipeline v1alpha1.Pipeline
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(d.Config.Object, &pipeline); err != nil {
		return d, nil, err
	}
	spec, errs := template.Under(&pipeline.Spec)
	if len(errs) > 0 {
		var messages []string
		for _, err := range errs {
			messages = append(messages, err.Error())
		}
		return d, messages, nil
	}
	with, err := d.WithSpec(spec)
	return with, nil, err
}

func invalidJobDefaults(format string, args ...any) error {
	return &failure{reason: v1alpha1.ReasonInvalidJobDefaults, message: fmt.Sprintf(format, args...)}
}
