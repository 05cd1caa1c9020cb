package poll

import (
	"context"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	watch "sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/places"
	"github.com/kayci/kayci/controllers/trigger/source"
)

// jitter is the part of a wait that may be added to it.
const jitter = 0.1

// storeIn is a store's path in a folder that no namespace has the name of. Nothing
// stays in it.
func storeIn(folder string) string { return filepath.Join(folder, ".poll", "store") }

// prepare makes what a Reconciler needs beside its exported fields.
func (r *Reconciler) prepare(wake func(types.NamespacedName), spread func(time.Duration) time.Duration) {
	r.connections = places.New(connections, true)
	r.looks.list, r.looks.clock, r.looks.wake, r.looks.spread = r.list, r.Clock, wake, spread
}

// SetupWithManager starts the Reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	woken, stopping := make(chan event.GenericEvent), make(chan struct{})
	r.prepare(func(name types.NamespacedName) {
		trigger := &v1alpha1.Trigger{}
		trigger.Namespace, trigger.Name = name.Namespace, name.Name
		select {
		case woken <- event.GenericEvent{Object: trigger}:
		case <-stopping:
		}
	}, func(d time.Duration) time.Duration { return wait.Jitter(d, jitter) })
	err := mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { close(stopping) })
		return r.looks.Start(ctx)
	}))
	if err != nil {
		return err
	}
	polled := func(t *v1alpha1.TriggerSpec) bool { return t.Poll != nil }
	return ctrl.NewControllerManagedBy(mgr).
		Named("poll").
		WithOptions(opts).
		For(&v1alpha1.Trigger{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Pipeline{}, handler.EnqueueRequestsFromMapFunc(source.OfPipeline(r.Client, polled)), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(watch.Channel(woken, &handler.EnqueueRequestForObject{})).
		Complete(r)
}
