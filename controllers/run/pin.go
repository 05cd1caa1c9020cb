package run

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/order"
	"github.com/kayci/kayci/controllers/start"
)

// isPinned reports whether the Run has all that pin gives it. A source that is nil
// has nothing to give, and a Run that can't run needs no revision.
func isPinned(run, source *v1alpha1.Run, runs bool) bool {
	if runs && source != nil {
		heir := run.DeepCopy()
		if start.Inherit(heir, source); !equality.Semantic.DeepEqual(run, heir) {
			return false
		}
	}
	return isAttached(run, runs)
}

func isAttached(run *v1alpha1.Run, runs bool) bool {
	return (!runs || run.Spec.Revision != "") && run.Labels[v1alpha1.PipelineLabel] == run.Spec.Pipeline && metav1.GetControllerOf(run) != nil
}

// pin completes a Run that was made by hand: it gets what it takes from the Run
// that it retries, the revision that is current now, the Pipeline as its owner,
// and the Pipeline's label.
func (r *Reconciler) pin(ctx context.Context, run *v1alpha1.Run) error {
	before := run.DeepCopy()
	source, invalid := r.source(ctx, run)
	if invalid != nil && !fault.Is(invalid) {
		return invalid
	}
	if invalid == nil && source != nil {
		start.Inherit(run, source)
	}
	if err := r.attach(ctx, run, invalid == nil); err != nil {
		return err
	}
	if run.Status.Phase == "" {
		// This write changes the version.
		metav1.SetMetaDataAnnotation(&run.ObjectMeta, v1alpha1.CreatedVersionAnnotation, order.Version(before))
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, run, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("pin run to revision %s: %w", run.Spec.Revision, err)
	}
	r.recent.Put(r.Clock.Now(), run)
	return nil
}

// attach makes the Run one of its Pipeline's. One that can't run needs no
// revision, but an owner, so that it doesn't stay for ever.
func (r *Reconciler) attach(ctx context.Context, run *v1alpha1.Run, runs bool) error {
	if isAttached(run, runs) {
		return nil
	}
	pipeline, err := r.pipeline(ctx, run)
	if err != nil {
		return r.awaitPipeline(run, err)
	}
	if runs && run.Spec.Revision == "" {
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
