package run

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// maxNote is what an event's text may have, with room to spare.
const maxNote = 1000

// record writes the status if it has changed, and tells of a Run's end once
// that is stored. The patch only fits the Run as it was read: a status derived
// from an old one must not overwrite a newer.
func (r *Reconciler) record(ctx context.Context, run *v1alpha1.Run, status *v1alpha1.RunStatus) error {
	if equality.Semantic.DeepEqual(&run.Status, status) {
		return nil
	}
	before := run.DeepCopy()
	run.Status = *status
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, run, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("record status: %w", err)
	}
	r.recent.Put(r.Clock.Now(), run)
	if lock, bound := queue.LockOf(run); bound && (status.Phase.Finished() || !status.Concurrency.Admitted) {
		r.neighbours.release(turn{run.Namespace, lock}, run.UID)
	}
	if c := status.Concurrency; c != nil && c.Released && before.Status.Concurrency.Admitted {
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

// announce tells that the Run has ended.
func (r *Reconciler) announce(run *v1alpha1.Run) {
	kind := corev1.EventTypeNormal
	if run.Status.Phase == v1alpha1.RunFailed {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(run, nil, kind, string(run.Status.Phase), "Run", "%s", bounded(verdict(run).Message))
}

func bounded(note string) string {
	if len(note) <= maxNote {
		return note
	}
	return strings.ToValidUTF8(note[:maxNote], "") + "…"
}
