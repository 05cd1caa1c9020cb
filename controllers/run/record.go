package run

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// store records what was decided. A Run that has ended then is another to look at.
func (r *Reconciler) store(ctx context.Context, o *observation, d *plan.Decision) error {
	if o.turn != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, o.until)
		defer cancel()
		defer o.leave()
	}
	ends := d.Status.Phase.Finished() && !o.Run.Status.Phase.Finished()
	if err := r.record(ctx, o.Run, &d.Status); err != nil {
		return err
	}
	o.stale, o.Renamed, o.Acted = ends || o.adopted, nil, 0
	if c := o.Run.Status.Concurrency; c != nil && c.Released && o.Place != nil && o.Place.Admitted {
		o.Place, o.PlaceOpen = o.heldPlace()
	}
	return nil
}

// record writes the status, and tells of a Run's end once that is stored. The patch
// only fits the Run as it was read: a status derived from an old one must not
// overwrite a newer.
func (r *Reconciler) record(ctx context.Context, run *v1alpha1.Run, status *v1alpha1.RunStatus) error {
	before, recorded := *run, run.DeepCopy()
	recorded.Status = *status
	patch := client.MergeFromWithOptions(&before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, recorded, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("record status: %w", err)
	}
	*run = *recorded
	r.recent.Put(r.Clock.Now(), run)
	if lock, bound := queue.LockOf(run); bound && (status.Phase.Finished() || !status.Concurrency.Admitted) {
		r.neighbours.release(turn{run.Namespace, lock}, run.UID)
	}
	if standsAnew(before.Status.Concurrency, status.Concurrency) {
		r.neighbours.put(run)
	}
	if status.Phase.Finished() {
		r.neighbours.forget(run)
	}
	told := newsOf(&before.Status, status)
	told.log(ctrl.LoggerFrom(ctx), run)
	r.Metrics.observe(run, &told)
	if told.ended {
		r.announce(run)
	}
	r.announceNotifiers(run, before.Status.Notifiers)
	return nil
}

// standsAnew reports whether the Run has got or given back its place, or makes way
// for another.
func standsAnew(before, now *v1alpha1.ConcurrencyStatus) bool {
	if now == nil {
		return false
	}
	if before == nil {
		before = &v1alpha1.ConcurrencyStatus{}
	}
	return now.Admitted != before.Admitted || now.ReplacedBy != before.ReplacedBy
}
