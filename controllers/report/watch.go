package report

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report/state"
)

// subjectField is the index that the Runs of a Trigger and commit are found by. It
// costs memory for each Run of an event of a git host; other Runs aren't in it.
const subjectField = "spec.origin"

// IndexRuns adds that index.
func IndexRuns(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &v1alpha1.Run{}, subjectField, SubjectOf)
}

// SubjectOf is the index's function: the Trigger and the commit that a Run is about.
func SubjectOf(obj client.Object) []string {
	run, is := obj.(*v1alpha1.Run)
	if !is || state.SHA(run) == "" || run.Spec.Origin.Trigger == "" {
		return nil
	}
	return []string{run.Spec.Origin.Trigger + "/" + run.Spec.Origin.SHA}
}

// SetupWithManager starts the Reporter with the manager.
func (r *Reporter) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if err := IndexRuns(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index runs: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("report").
		WithOptions(opts).
		Watches(&v1alpha1.Run{}, handler.EnqueueRequestsFromMapFunc(subjects), builder.WithPredicates(runNews())).
		Watches(&v1alpha1.Trigger{}, handler.EnqueueRequestsFromMapFunc(r.open), builder.WithPredicates(triggerNews())).
		Watches(&v1alpha1.Trigger{}, handler.EnqueueRequestsFromMapFunc(heads), builder.WithPredicates(headNews())).
		Complete(r)
}

func subjects(_ context.Context, obj client.Object) []reconcile.Request {
	var requests []reconcile.Request
	for _, subject := range SubjectOf(obj) {
		requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: subject}})
	}
	return requests
}

// runNews drops what is over: of the Runs that are kept most are reported.
func runNews() predicate.Predicate {
	over := func(obj client.Object) bool {
		run, is := obj.(*v1alpha1.Run)
		return is && isReported(run)
	}
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return !over(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool { return !over(e.ObjectOld) || !over(e.ObjectNew) },
	}
}

// triggerNews is a spec that may report elsewhere, or otherwise.
func triggerNews() predicate.Predicate {
	return predicate.And(predicate.GenerationChangedPredicate{}, predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
	})
}

// heads are those that the Trigger holds.
func heads(_ context.Context, obj client.Object) []reconcile.Request {
	trigger, is := obj.(*v1alpha1.Trigger)
	if !is {
		return nil
	}
	var requests []reconcile.Request
	for i := range trigger.Status.Held {
		requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{
			Namespace: trigger.Namespace, Name: trigger.Name + "/" + trigger.Status.Held[i].SHA,
		}})
	}
	return requests
}

// headNews is a Trigger that holds other heads than before. Of a change, both those that
// it held and those that it holds are looked at.
func headNews() predicate.Predicate {
	held := func(obj client.Object) []v1alpha1.HeldHead {
		if trigger, is := obj.(*v1alpha1.Trigger); is {
			return trigger.Status.Held
		}
		return nil
	}
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() || !equality.Semantic.DeepEqual(held(e.ObjectOld), held(e.ObjectNew))
		},
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	}
}

// open are the commits with Runs of the Trigger that are not reported.
func (r *Reporter) open(ctx context.Context, trigger client.Object) []reconcile.Request {
	r.breaker.Close(client.ObjectKeyFromObject(trigger))
	var runs v1alpha1.RunList
	if err := r.Client.List(ctx, &runs, client.InNamespace(trigger.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "List the Runs of a Trigger", "trigger", trigger.GetName())
		return nil
	}
	var requests []reconcile.Request
	for i := range runs.Items {
		run := &runs.Items[i]
		if run.Spec.Origin != nil && run.Spec.Origin.Trigger == trigger.GetName() && !isReported(run) {
			requests = append(requests, subjects(ctx, run)...)
		}
	}
	return requests
}
