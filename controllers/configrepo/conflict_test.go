package configrepo_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/render"
)

// TestConflictOnTheInventoryIsNoFailure has somebody change the ConfigRepo right
// before the inventory is stored.
func TestConflictOnTheInventoryIsNoFailure(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1")}
	w.beforeStatus = func() {
		if len(w.writes) != 2 {
			return
		}
		repo := w.repo(t)
		repo.Labels = map[string]string{"changed-meanwhile": "yes"}
		if err := w.Update(t.Context(), repo); err != nil {
			t.Error(err)
		}
		w.beforeStatus = nil
	}

	result, writes, said := w.reconcile(t)
	expect(t, "result", ctrl.Result{RequeueAfter: time.Second}, result)
	expect(t, "writes", []string{"status mine", "status mine"}, writes)
	expect(t, "events", []string(nil), said)
	expect(t, "conditions", []metav1.Condition{
		{Type: "Reconciling", Status: "True", Reason: "Progressing", Message: "syncing main@sha1:c1", ObservedGeneration: 1},
		{Type: "Ready", Status: "Unknown", Reason: "Progressing", Message: "syncing main@sha1:c1", ObservedGeneration: 1},
	}, w.conditions(t))

	w.clock.SetTime(w.clock.Now().Add(time.Second))
	result, _, said = w.reconcile(t)
	expect(t, "result of the second look", ctrl.Result{RequeueAfter: 5 * time.Minute}, result)
	expect(t, "events of the second look", []string{"Normal Applied applied main@sha1:c1: 1 created"}, said)
	expect(t, "looks", 2, w.looks)
	expect(t, "renders", 1, w.renders)
}
