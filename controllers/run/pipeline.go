package run

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// pipeline returns the Run's Pipeline. The cache may not have it yet, so only
// the API server's word that there is none counts.
func (r *Reconciler) pipeline(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.Pipeline, error) {
	var pipeline v1alpha1.Pipeline
	err := r.read(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Pipeline}, &pipeline)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fault.New(v1alpha1.ReasonPipelineNotFound, fmt.Sprintf("pipeline %s doesn't exist", run.Spec.Pipeline))
	case err != nil:
		return nil, fmt.Errorf("get pipeline %s: %w", run.Spec.Pipeline, err)
	case !pipeline.DeletionTimestamp.IsZero():
		return nil, fault.New(v1alpha1.ReasonPipelineNotFound, fmt.Sprintf("pipeline %s is being deleted", run.Spec.Pipeline))
	}
	return &pipeline, nil
}

// spec returns the Pipeline's spec that the Run is pinned to.
func (r *Reconciler) spec(ctx context.Context, run *v1alpha1.Run) (v1alpha1.PipelineSpec, error) {
	var rev appsv1.ControllerRevision
	err := r.read(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Revision}, &rev)
	switch {
	case apierrors.IsNotFound(err):
		return v1alpha1.PipelineSpec{}, fault.New(v1alpha1.ReasonRevisionNotFound, fmt.Sprintf("revision %s doesn't exist", run.Spec.Revision))
	case err != nil:
		return v1alpha1.PipelineSpec{}, fmt.Errorf("get revision %s: %w", run.Spec.Revision, err)
	case !sameController(&rev, run) || metav1.GetControllerOf(&rev).Name != run.Spec.Pipeline:
		return v1alpha1.PipelineSpec{}, fault.New(v1alpha1.ReasonRevisionNotFound, fmt.Sprintf("revision %s isn't one of pipeline %s", run.Spec.Revision, run.Spec.Pipeline))
	}
	spec, err := revision.Spec(&rev)
	if err != nil {
		return v1alpha1.PipelineSpec{}, fault.New(v1alpha1.ReasonInvalidSpec, err.Error())
	}
	return spec, nil
}

func sameController(a, b client.Object) bool {
	of, other := metav1.GetControllerOf(a), metav1.GetControllerOf(b)
	return of != nil && other != nil && of.UID == other.UID
}

// read reads from the cache, and from the API server what the cache doesn't
// have.
func (r *Reconciler) read(ctx context.Context, key client.ObjectKey, obj client.Object) error {
	err := r.Client.Get(ctx, key, obj)
	if apierrors.IsNotFound(err) {
		return r.APIReader.Get(ctx, key, obj)
	}
	return err
}
