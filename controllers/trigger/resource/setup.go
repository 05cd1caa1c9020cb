package resource

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	queue "sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/source"
)

// prepare makes what a Reconciler needs beside its exported fields.
func (r *Reconciler) prepare(inform func(place, bool, listener) informer, wake func(types.NamespacedName)) {
	r.watches.inform, r.watches.clock, r.watches.wake = inform, r.Clock, wake
}

// SetupWithManager starts the Reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	whole, err := dynamic.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("make a client of whole objects: %w", err)
	}
	slim, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("make a client of objects' metadata: %w", err)
	}
	if err := mgr.Add(manager.RunnableFunc(r.run)); err != nil {
		return err
	}
	watches := func(t *v1alpha1.TriggerSpec) bool { return t.Resource != nil }
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("resource").
		WithOptions(opts).
		For(&v1alpha1.Trigger{}, changed).
		Watches(&v1alpha1.Pipeline{}, handler.EnqueueRequestsFromMapFunc(source.OfPipeline(r.Client, watches)), changed).
		WatchesRawSource(queue.Func(func(_ context.Context, woken workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
			// The queue is there before any Trigger is looked at, and so before any watch.
			r.prepare(clients{whole, slim}.inform, func(name types.NamespacedName) { woken.Add(reconcile.Request{NamespacedName: name}) })
			return nil
		})).
		Complete(r)
}
