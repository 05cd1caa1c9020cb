package author

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/configrepo"
	"github.com/kayci/kayci/controllers/run/job/defaults"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

// withDefaults merges the ConfigRepo's defaults for jobs under the Pipelines.
func (f *folder) withDefaults(ctx context.Context, cluster client.Reader, desired []apply.Desired) ([]apply.Desired, error) {
	var found corev1.ConfigMap
	name := f.repo.Spec.JobDefaults.Name
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: f.repo.Namespace, Name: name}, &found); err != nil {
		return nil, fmt.Errorf("read the ConfigRepo's defaults for jobs: %w", err)
	}
	template, err := defaults.Parse(found.Data)
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %q: %w", name, err)
	}
	if len(template.Canonical()) == 0 {
		return desired, nil
	}
	left := render.DefaultDecoded
	merged := make([]apply.Desired, len(desired))
	var faults []apply.Fault
	for i, d := range desired {
		var messages []string
		if merged[i], messages, err = configrepo.MergeUnder(template, d, &left); err != nil {
			return nil, fmt.Errorf("%s: merge the defaults for jobs under %s: %w", d.File, d.Key, err)
		}
		for _, message := range messages {
			faults = append(faults, apply.Fault{File: d.File, Key: d.Key, Message: fmt.Sprintf("with the defaults of ConfigMap %q: %s", name, message)})
		}
	}
	if len(faults) > 0 {
		return nil, &apply.RefusedError{Faults: faults}
	}
	return merged, nil
}

// mergedPipeline returns the Pipeline as a sync of the ConfigRepo would apply it.
func (f *folder) mergedPipeline(ctx context.Context, cluster client.Reader, object render.Object) (*v1alpha1.Pipeline, error) {
	desired, err := apply.Prepare("", []render.Object{object})
	if err != nil {
		return nil, err
	}
	if f.repo != nil && f.repo.Spec.JobDefaults != nil {
		if desired, err = f.withDefaults(ctx, cluster, desired); err != nil {
			return nil, err
		}
	}
	var pipeline v1alpha1.Pipeline
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(desired[0].Config.Object, &pipeline); err != nil {
		return nil, fmt.Errorf("decode the Pipeline: %w", err)
	}
	return &pipeline, nil
}
