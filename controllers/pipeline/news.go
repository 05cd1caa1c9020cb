package pipeline

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kayci/kayci/api/v1alpha1"
)

// together is for how long the news of active Runs are gathered: a burst of them
// costs a Pipeline one write, and a Run that ends sooner none.
const together = 3 * time.Second

// runNews tells of each Run, and asks for a look at the Pipeline of a Run: at once when the Run has
// ended or is deleted, and a little later when it has got a phase or a number.
// The first number after its end is one that only its notifiers had need of.
func (r *Reconciler) runNews() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, _ workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			if run, ok := e.Object.(*v1alpha1.Run); ok {
				r.runs.Put(run)
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			before, was := e.ObjectOld.(*v1alpha1.Run)
			after, is := e.ObjectNew.(*v1alpha1.Run)
			if !was || !is {
				return
			}
			if before.UID != after.UID {
				r.runs.Drop(before.UID)
			}
			r.runs.Put(after)
			switch {
			case before.Status.Phase == after.Status.Phase && before.Status.Number == after.Status.Number:
			case after.Status.Phase.Finished():
				queue.Add(pipelineOf(after))
			default:
				queue.AddAfter(pipelineOf(after), together)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			if run, ok := e.Object.(*v1alpha1.Run); ok {
				r.runs.Drop(run.UID)
				queue.Add(pipelineOf(run))
			}
		},
	}
}

func pipelineOf(run *v1alpha1.Run) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: run.Namespace, Name: run.Spec.Pipeline}}
}
