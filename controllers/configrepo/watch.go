package configrepo

import (
	"context"
	"maps"

	"github.com/fluxcd/pkg/runtime/predicates"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kayci/kayci/api/v1alpha1"
)

// SetupWithManager starts the reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	r.prepare()
	woken, stopping := make(chan event.GenericEvent), make(chan struct{})
	r.background.wake = func(name types.NamespacedName) {
		repo := &v1alpha1.ConfigRepo{}
		repo.Namespace, repo.Name = name.Namespace, name.Name
		select {
		case woken <- event.GenericEvent{Object: repo}:
		case <-stopping:
		}
	}
	err := mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { close(stopping) })
		return r.background.Start(ctx)
	}))
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("configrepo").
		For(&v1alpha1.ConfigRepo{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{}))).
		Watches(&v1alpha1.Pipeline{}, handler.EnqueueRequestsFromMapFunc(owner), builder.WithPredicates(drift())).
		Watches(&v1alpha1.Trigger{}, handler.EnqueueRequestsFromMapFunc(owner), builder.WithPredicates(drift())).
		WatchesRawSource(source.Channel(woken, &handler.EnqueueRequestForObject{})).
		WithOptions(opts).
		Complete(r)
}

// owner maps an object to the ConfigRepo that its label names. Of an update,
// both the old and the new object are mapped.
func owner(_ context.Context, object client.Object) []reconcile.Request {
	name := object.GetLabels()[v1alpha1.ConfigRepoLabel]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
}

// drift passes on what may be somebody's change to an object. An object that
// appears is no drift: it was applied, or it was there when this process began.
func drift() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return true },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
				e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
				!maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) ||
				!maps.Equal(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations())
		},
	}
}
