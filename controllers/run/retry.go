package run

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Starter makes the Runs that an annotation asks for.
type Starter interface {
	Retry(ctx context.Context, pipeline *v1alpha1.Pipeline, source *v1alpha1.Run, value string) (*v1alpha1.Run, bool, error)
}

// answer makes the Run that the annotation of one that has ended asks for, and
// takes the annotation off. In this order a controller that is killed in between
// finds the same Run again; and what was answered is not asked again when that
// Run has been deleted.
func (r *Reconciler) answer(ctx context.Context, run *v1alpha1.Run) error {
	value, asked := run.Annotations[v1alpha1.RetryAnnotation]
	if !asked || !run.Status.Phase.Finished() {
		return nil
	}
	kind, reason, note := corev1.EventTypeNormal, v1alpha1.ReasonNothingToRetry, "the Run has succeeded: there is nothing to retry"
	if run.Status.Phase != v1alpha1.RunSucceeded {
		retry, err := r.retry(ctx, run, value)
		switch {
		case err == nil:
			reason, note = v1alpha1.ReasonRetried, fmt.Sprintf("run %s retries this one", retry.Name)
		case refusesRetry(err):
			kind, reason, note = corev1.EventTypeWarning, v1alpha1.ReasonRetryRefused, fmt.Sprintf("%v; annotate the Run again when that has changed", err)
		default:
			return err
		}
	}
	before := run.DeepCopy()
	delete(run.Annotations, v1alpha1.RetryAnnotation)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, run, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("take off the annotation %s: %w", v1alpha1.RetryAnnotation, err)
	}
	r.recent.Put(r.Clock.Now(), run)
	r.Recorder.Eventf(run, nil, kind, reason, "Retry", "%s", printable.CutBytes(note, printable.MaxNote))
	return nil
}

func (r *Reconciler) retry(ctx context.Context, run *v1alpha1.Run, value string) (*v1alpha1.Run, error) {
	pipeline, err := r.pipeline(ctx, run)
	if err != nil {
		return nil, err
	}
	retry, _, err := r.Starter.Retry(ctx, pipeline, run, value)
	return retry, err
}

// refusesRetry reports whether it is no use to try again with nothing changed.
// A full quota is among it: the one who asks is there to ask again.
func refusesRetry(err error) bool {
	refusal, class := classify(err)
	return class == refused || (class == deferred && refusal.Reason != v1alpha1.ReasonCreateError)
}

// retryAsked passes a Run that gets the annotation, or another value of it.
func retryAsked() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, had := e.ObjectOld.GetAnnotations()[v1alpha1.RetryAnnotation]
			after, has := e.ObjectNew.GetAnnotations()[v1alpha1.RetryAnnotation]
			return has && (!had || before != after)
		},
	}
}
