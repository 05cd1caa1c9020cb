package keeper

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/controllers/run/settled"
)

// Settlements has a Run be looked at when one of its Jobs has come to its end, which may
// be seconds after the Run's: its record waits for that.
func Settlements() handler.EventHandler {
	return handler.Funcs{UpdateFunc: func(_ context.Context, e event.UpdateEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		before, was := e.ObjectOld.(*batchv1.Job)
		job, is := e.ObjectNew.(*batchv1.Job)
		if !was || !is || settled.Job(before) || !settled.Job(job) {
			return
		}
		if owner := runOwning(job); owner != nil {
			queue.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: job.Namespace, Name: owner.Name}})
		}
	}}
}
