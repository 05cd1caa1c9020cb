package run

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/order"
	"github.com/kayci/kayci/controllers/start"
)

// pin completes a Run that was made by hand: it gets what it takes from the Run
// that it retries, the revision that is current now, the Pipeline as its owner,
// and the Pipeline's label. It returns the Run that is retried, as source does.
func (r *Reconciler) pin(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.Run, error) {
	before := run.DeepCopy()
	source, invalid := r.source(ctx, run)
	if invalid != nil && !isFault(invalid) {
		return nil, invalid
	}
	if invalid == nil && source != nil {
		start.Inherit(run, source)
	}
	if err := r.attach(ctx, run, invalid == nil); err != nil {
		return nil, err
	}
	if equality.Semantic.DeepEqual(before, run) {
		return source, invalid
	}
	if run.Status.Phase == "" {
		// This write changes the version.
		metav1.SetMetaDataAnnotation(&run.ObjectMeta, v1alpha1.CreatedVersionAnnotation, order.Version(before))
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, run, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return nil, fmt.Errorf("pin run to revision %s: %w", run.Spec.Revision, err)
	}
	r.recent.Put(r.Clock.Now(), run)
	return source, invalid
}

// attach makes the Run one of its Pipeline's. One that can't run needs no
// revision, but an owner, so that it doesn't stay for ever.
func (r *Reconciler) attach(ctx context.Context, run *v1alpha1.Run, runs bool) error {
	missing := runs && run.Spec.Revision == ""
	labelled := run.Labels[v1alpha1.PipelineLabel] == run.Spec.Pipeline
	if !missing && labelled && metav1.GetControllerOf(run) != nil {
		return nil
	}
	pipeline, err := r.pipeline(ctx, run)
	if err != nil {
		return r.awaitPipeline(run, err)
	}
	if missing {
		pinned, err := revision.Ensure(ctx, r.Client, r.Installed, pipeline)
		if err != nil {
			return r.awaitPin(run, err)
		}
		run.Spec.Revision = pinned
	}
	if metav1.GetControllerOf(run) == nil {
		run.OwnerReferences = append(run.OwnerReferences,
			*metav1.NewControllerRef(pipeline, v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind)))
	}
	metav1.SetMetaDataLabel(&run.ObjectMeta, v1alpha1.PipelineLabel, run.Spec.Pipeline)
	return nil
}

// pipeline returns the Run's Pipeline. The cache may not have it yet, so only
// the API server's word that there is none counts.
func (r *Reconciler) pipeline(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.Pipeline, error) {
	var pipeline v1alpha1.Pipeline
	err := r.read(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Pipeline}, &pipeline)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &fault{v1alpha1.ReasonPipelineNotFound, fmt.Sprintf("pipeline %s doesn't exist", run.Spec.Pipeline)}
	case err != nil:
		return nil, fmt.Errorf("get pipeline %s: %w", run.Spec.Pipeline, err)
	case !pipeline.DeletionTimestamp.IsZero():
		return nil, &fault{v1alpha1.ReasonPipelineNotFound, fmt.Sprintf("pipeline %s is being deleted", run.Spec.Pipeline)}
	}
	return &pipeline, nil
}

// spec returns the Pipeline's spec that the Run is pinned to.
func (r *Reconciler) spec(ctx context.Context, run *v1alpha1.Run) (v1alpha1.PipelineSpec, error) {
	var rev appsv1.ControllerRevision
	err := r.read(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Revision}, &rev)
	switch {
	case apierrors.IsNotFound(err):
		return v1alpha1.PipelineSpec{}, &fault{v1alpha1.ReasonRevisionNotFound, fmt.Sprintf("revision %s doesn't exist", run.Spec.Revision)}
	case err != nil:
		return v1alpha1.PipelineSpec{}, fmt.Errorf("get revision %s: %w", run.Spec.Revision, err)
	case !sameController(&rev, run) || metav1.GetControllerOf(&rev).Name != run.Spec.Pipeline:
		return v1alpha1.PipelineSpec{}, &fault{
			v1alpha1.ReasonRevisionNotFound, fmt.Sprintf("revision %s isn't one of pipeline %s", run.Spec.Revision, run.Spec.Pipeline),
		}
	}
	spec, err := revision.Spec(&rev)
	if err != nil {
		return v1alpha1.PipelineSpec{}, &fault{v1alpha1.ReasonInvalidSpec, err.Error()}
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
