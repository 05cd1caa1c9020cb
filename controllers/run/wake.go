package run

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// wake lets the Runs beside one whose place has changed look at theirs, and a
// deleted one be buried.
func (r *Reconciler) wake() handler.EventHandler {
	add := func(ctx context.Context, obj client.Object, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		changed, ok := obj.(*v1alpha1.Run)
		if !ok {
			return
		}
		r.rouse(ctx, changed, q, func(runs []v1alpha1.Run) []*v1alpha1.Run { return queue.Wake(changed, runs) })
	}
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			add(ctx, e.ObjectNew, q)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			if run, is := e.Object.(*v1alpha1.Run); is {
				r.neighbours.forget(run)
				r.add(q, run, 0)
			}
			add(ctx, e.Object, q)
		},
	}
}

// rouse lets those active Runs of the namespace look at their place that are picked
// for what has changed.
func (r *Reconciler) rouse(ctx context.Context, changed client.Object, q workqueue.TypedRateLimitingInterface[reconcile.Request], pick func([]v1alpha1.Run) []*v1alpha1.Run) {
	var runs v1alpha1.RunList
	if err := r.Client.List(ctx, &runs, activeRuns(changed.GetNamespace(), client.UnsafeDisableDeepCopy)...); err != nil {
		// Runs that wait look again by themselves, only later.
		log.FromContext(ctx).Error(err, "list the Runs that may wait for a place", "changed", changed.GetName())
		return
	}
	for _, run := range pick(runs.Items) {
		r.add(q, run, 0)
	}
}

// placeNews lets through what may give or take another Run its place.
func placeNews() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, was := e.ObjectOld.(*v1alpha1.Run)
			after, is := e.ObjectNew.(*v1alpha1.Run)
			return was && is && concerned(before) && standing(before) != standing(after)
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			run, is := e.Object.(*v1alpha1.Run)
			return is && concerned(run)
		},
	}
}
