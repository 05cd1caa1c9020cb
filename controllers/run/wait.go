package run

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// Runs and Pipelines may be applied in any order: a Run waits this long, from its
// creation, for its Pipeline. maxPinWait is the same for its Pipeline's revision,
// which the API server may not take for a while, or which waits for the defaults
// of jobs; it is looked at each lookToPin.
const (
	maxPipelineWait = 10 * time.Minute
	maxPinWait      = time.Hour
	lookToPin       = 15 * time.Second
)

// awaitPipeline returns what the Run comes to whose Pipeline isn't there: it
// waits, unless it has waited for too long or has nothing to wait for. What a
// retry reuses goes with the Pipeline.
func (r *Reconciler) awaitPipeline(run *v1alpha1.Run, missing error) error {
	gone, _ := fault.Of(missing)
	left := maxPipelineWait - r.Clock.Now().Sub(run.CreationTimestamp.Time)
	if gone == nil || left <= 0 || run.Spec.Cancelled || run.Spec.RetryOf != "" {
		return missing
	}
	return fault.NewWait(gone.Reason, gone.Message+"; the Run waits up to 10 minutes for it", left)
}

// awaitPin returns what the Run comes to whose revision can't be made.
func (r *Reconciler) awaitPin(run *v1alpha1.Run, err error) error {
	refusal, class := classify(err)
	reason, message := refusal.Reason, err.Error()
	if f, _ := fault.Of(err); f != nil {
		// An operator may mend the defaults in time.
		reason, message, class = f.Reason, f.Message, deferred
	}
	left := maxPinWait - r.Clock.Now().Sub(run.CreationTimestamp.Time)
	switch {
	case class == refused, class == deferred && left <= 0, class == deferred && run.Spec.Cancelled:
		return fault.New(reason, message)
	case class == deferred:
		return fault.NewWait(reason, message, min(lookToPin, left))
	default:
		return err
	}
}

// arrival lets the Runs look at a Pipeline that they wait for.
func (r *Reconciler) arrival() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, pipeline client.Object) []reconcile.Request {
		var runs v1alpha1.RunList
		if err := r.Client.List(ctx, &runs, activeRuns(pipeline.GetNamespace(), client.UnsafeDisableDeepCopy)...); err != nil {
			// They look again by themselves, only later.
			log.FromContext(ctx).Error(err, "list the Runs that wait for a Pipeline", "pipeline", pipeline.GetName())
			return nil
		}
		var waiting []reconcile.Request
		for i := range runs.Items {
			if run := &runs.Items[i]; run.Spec.Pipeline == pipeline.GetName() && len(run.OwnerReferences) == 0 {
				waiting = append(waiting, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(run)})
			}
		}
		return waiting
	})
}

// arrivals lets new Pipelines through.
func arrivals() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(event.UpdateEvent) bool { return false },
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}
