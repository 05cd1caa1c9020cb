package keeper

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// mostDeleted bounds the Runs that were deleted and aren't stored yet. More than
	// these are not recorded.
	mostDeleted = 1000
	// keepTrying is for how long the record of such a Run is tried to be stored.
	keepTrying = time.Hour
)

// deleted are Runs that were deleted before they were stored, as they were last. The zero
// value is ready.
type deleted struct {
	mu   sync.Mutex
	runs map[types.NamespacedName]goneRun
}

type goneRun struct {
	run *v1alpha1.Run
	at  time.Time
}

func (d *deleted) add(run *v1alpha1.Run, at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.runs == nil {
		d.runs = map[types.NamespacedName]goneRun{}
	}
	if len(d.runs) >= mostDeleted {
		return false
	}
	d.runs[client.ObjectKeyFromObject(run)] = goneRun{run, at}
	return true
}

func (d *deleted) of(name types.NamespacedName) (*v1alpha1.Run, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := d.runs[name]
	return gone.run, gone.at
}

func (d *deleted) drop(run *v1alpha1.Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.runs, client.ObjectKeyFromObject(run))
}

// Deletions takes in Runs that are deleted.
func (r *Runs) Deletions() handler.EventHandler {
	return handler.Funcs{DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		run, is := e.Object.(*v1alpha1.Run)
		if !is {
			return
		}
		// One without a number has done nothing.
		if !isStored(run) && run.Status.Number > 0 {
			if r.deleted.add(run.DeepCopy(), r.Clock.Now()) {
				queue.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(run)})
				return
			}
			ctrl.LoggerFrom(ctx).Info("a Run was deleted, and isn't recorded: too many others were, too", "run", client.ObjectKeyFromObject(run))
		}
		r.forget(run)
	}}
}

// recordDeleted stores the record of a Run that was deleted at that time. What its pods
// print until they stop is waited for, and then a Run of the same name is looked at.
func (r *Runs) recordDeleted(ctx context.Context, run *v1alpha1.Run, at time.Time) (ctrl.Result, error) {
	ago := r.Clock.Since(at)
	left, err := r.left(ctx, run)
	if err == nil && (ago < quiet || ago < grace && r.open(run, left)) {
		return ctrl.Result{RequeueAfter: quiet}, nil
	}
	if err == nil {
		_, err = r.store(ctx, ended(run, at), left)
	}
	if err != nil && ago < keepTrying {
		return ctrl.Result{}, err
	}
	r.deleted.drop(run)
	r.forget(run)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "A Run was deleted, and its record can't be stored")
	}
	return ctrl.Result{RequeueAfter: quiet}, nil
}

// ended returns the Run as one that has ended: its deletion has stopped it, if nothing
// else had.
func ended(run *v1alpha1.Run, at time.Time) *v1alpha1.Run {
	if run.Status.Phase.Finished() && run.Status.CompletionTime != nil {
		return run
	}
	run = run.DeepCopy()
	now := metav1.NewTime(at)
	run.Status.Phase, run.Status.CompletionTime = v1alpha1.RunCancelled, &now
	meta.SetStatusCondition(&run.Status.Conditions, metav1.Condition{
		Type: v1alpha1.SucceededCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonCancelled,
		Message: "The Run was deleted before it had ended", LastTransitionTime: now, ObservedGeneration: run.Generation,
	})
	for i := range run.Status.Jobs {
		if job := &run.Status.Jobs[i]; !job.Phase.Finished() {
			job.Phase, job.Reason = v1alpha1.JobCancelled, v1alpha1.ReasonCancelled
		}
	}
	return run
}
