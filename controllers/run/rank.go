package run

import (
	"context"
	"math/bits"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
)

// ranks is how many priorities there are for Runs that go on. Each priority is a
// series of the metric workqueue_depth, so that they must be few.
const ranks = 16

// rank is the priority of a Run in the queue. Older Runs come first: in a burst
// the first ones end early, instead of all of them late. A rank stands for twice
// the age of the one below it, from one second to 4.5 hours, and within one who
// asks first is served first. A Run in the queue keeps its rank until it is asked
// for again: if it waits for longer than it was old, a younger one may pass it.
// Finished Runs come last, for nobody waits for them, but for a retry.
func rank(run *v1alpha1.Run, now time.Time) int {
	_, asked := run.Annotations[v1alpha1.RetryAnnotation]
	if run.Status.Phase.Finished() && !asked {
		return handler.LowPriority
	}
	age := max(0, now.Sub(run.CreationTimestamp.Time))
	return min(bits.Len64(uint64(age/time.Second)), ranks-1)
}

// enqueue adds the Run that is new or has changed, or whose Job or pod is.
func (r *Reconciler) enqueue() handler.EventHandler {
	add := func(ctx context.Context, obj client.Object, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		r.add(q, r.runOf(ctx, obj), 0)
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			add(ctx, e.Object, q)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			add(ctx, e.ObjectNew, q)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			add(ctx, e.Object, q)
		},
	}
}

// runOf returns the Run that the object is or belongs to. Of one that the cache
// doesn't hold it knows the name, and that it is about as old as the object.
func (r *Reconciler) runOf(ctx context.Context, obj client.Object) *v1alpha1.Run {
	if run, is := obj.(*v1alpha1.Run); is {
		return run
	}
	var run v1alpha1.Run
	key := client.ObjectKey{Namespace: obj.GetNamespace(), Name: obj.GetLabels()[v1alpha1.RunLabel]}
	if err := r.Client.Get(ctx, key, &run); err != nil {
		run.Namespace, run.Name, run.CreationTimestamp = key.Namespace, key.Name, obj.GetCreationTimestamp()
	}
	return &run
}

// add adds a Run to the queue, to be looked at after a time.
func (r *Reconciler) add(q workqueue.TypedRateLimitingInterface[reconcile.Request], run *v1alpha1.Run, after time.Duration) {
	req := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(run)}
	if pq, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		pq.AddWithOpts(priorityqueue.AddOpts{After: after, Priority: new(rank(run, r.Clock.Now()))}, req)
		return
	}
	q.AddAfter(req, after)
}
