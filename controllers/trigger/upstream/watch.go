package upstream

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/source"
)

const (
	// runsByEnd is the cache's index of Runs by Pipeline, phase and the day of their end:
	// of the Runs that are kept, few are looked at.
	runsByEnd = "kayci.runsByEnd"
	// triggersByRun is the index of Triggers by the Pipeline whose Runs they wait for.
	triggersByRun = "kayci.triggersByRun"
)

// RunByEnd is the index of Runs that have ended.
func RunByEnd(obj client.Object) []string {
	run, ok := obj.(*v1alpha1.Run)
	if !ok || !ended(run) {
		return nil
	}
	return []string{endKey(run.Spec.Pipeline, run.Status.Phase, run.Status.CompletionTime.Time)}
}

func ended(run *v1alpha1.Run) bool {
	return run.Status.Phase.Finished() && run.Status.CompletionTime != nil
}

func endKey(pipeline string, phase v1alpha1.RunPhase, at time.Time) string {
	return pipeline + "/" + string(phase) + "/" + at.UTC().Format(time.DateOnly)
}

// TriggerByRun is the index of Triggers that wait for Runs.
func TriggerByRun(obj client.Object) []string {
	if trigger, ok := obj.(*v1alpha1.Trigger); ok && trigger.Spec.Run != nil {
		return []string{trigger.Spec.Run.Pipeline}
	}
	return nil
}

// ended lists the Runs that have ended in the phases since that day.
func (r *Reconciler) ended(ctx context.Context, namespace string, begun *v1alpha1.RunEndStatus, now time.Time) ([]v1alpha1.Run, error) {
	const day = 24 * time.Hour
	var found []v1alpha1.Run
	// A clock may be ahead of this one.
	for at := begun.Since.UTC().Truncate(day); !at.After(now.Add(day)); at = at.Add(day) {
		for _, phase := range begun.Phases {
			var list v1alpha1.RunList
			key := client.MatchingFields{runsByEnd: endKey(begun.Pipeline, phase, at)}
			if err := r.Client.List(ctx, &list, client.InNamespace(namespace), key, client.UnsafeDisableDeepCopy); err != nil {
				return nil, err
			}
			found = append(found, list.Items...)
		}
	}
	return found, nil
}

// triggersOf are the Triggers that wait for a Run like this one.
func (r *Reconciler) triggersOf(ctx context.Context, obj client.Object) []reconcile.Request {
	run, ok := obj.(*v1alpha1.Run)
	if !ok || !ended(run) {
		return nil
	}
	return requests(ctx, r.Client, run.Namespace, client.MatchingFields{triggersByRun: run.Spec.Pipeline})
}

// Waiting finds the Triggers of an object's namespace that wait for Runs: another
// Trigger, or one less, may close or open a loop.
func Waiting(c client.Reader) handler.MapFunc {
	return func(ctx context.Context, obj client.Object) []reconcile.Request {
		return requests(ctx, c, obj.GetNamespace())
	}
}

func requests(ctx context.Context, c client.Reader, namespace string, opts ...client.ListOption) []reconcile.Request {
	var list v1alpha1.TriggerList
	if err := c.List(ctx, &list, append(opts, client.InNamespace(namespace), client.UnsafeDisableDeepCopy)...); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "List the Triggers that wait for Runs", "namespace", namespace)
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if list.Items[i].Spec.Run != nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// ends passes a Run when it is seen to have ended, and not what becomes of it then.
func ends() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*v1alpha1.Run)
			return !ok || !ended(before)
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// SetupWithManager starts the Reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	indexer := mgr.GetFieldIndexer()
	ctx := context.Background()
	if err := indexer.IndexField(ctx, &v1alpha1.Run{}, runsByEnd, RunByEnd); err != nil {
		return err
	}
	if err := indexer.IndexField(ctx, &v1alpha1.Trigger{}, triggersByRun, TriggerByRun); err != nil {
		return err
	}
	waits := func(t *v1alpha1.TriggerSpec) bool { return t.Run != nil }
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("upstream").
		WithOptions(opts).
		For(&v1alpha1.Trigger{}, changed).
		Watches(&v1alpha1.Trigger{}, handler.EnqueueRequestsFromMapFunc(Waiting(r.Client)), changed).
		Watches(&v1alpha1.Run{}, handler.EnqueueRequestsFromMapFunc(r.triggersOf), builder.WithPredicates(ends())).
		Watches(&v1alpha1.Pipeline{}, handler.EnqueueRequestsFromMapFunc(source.OfPipeline(r.Client, waits)), changed).
		Complete(r)
}
