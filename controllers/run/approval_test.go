package run_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A job waits for its approval without a write, and once it has it, starts once
// and says who gave it, wherever the controller is killed.
func TestApproval(t *testing.T) {
	t.Parallel()
	p := pipeline(
		v1alpha1.Job{Name: "test"},
		v1alpha1.Job{Name: "deploy", Needs: []string{"test"}, Approval: &v1alpha1.JobApproval{Message: "Deploy?"}},
	)
	for crash := range 6 {
		t.Run(fmt.Sprintf("killed after write %d", crash), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.untilQuiet("run")
			if diff := cmp.Diff(map[string]string{"test": "Succeeded", "deploy": "Waiting/AwaitingApproval"}, jobPhases(w.run("run"))); diff != "" {
				t.Fatalf("jobs (-want +got):\n%s", diff)
			}
			before := len(w.writes)
			run := w.run("run")
			if w.mustReconcile("run"); len(w.writes) > before || run.Status.Jobs[1].WaitingSince == nil {
				t.Errorf("waits since %s, and a second look wrote %v", run.Status.Jobs[1].WaitingSince, w.writes[before:])
			}
			run.Spec.Approvals = []v1alpha1.Approval{{Job: "deploy", By: "alice", Time: &metav1.Time{Time: w.clock.Now()}}}
			if err := w.live.Update(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			if crash > 0 {
				w.crashAt = before + crash
			}
			got := w.play()
			job := got.Status.Jobs[1]
			if got.Status.Phase != v1alpha1.RunSucceeded || job.ApprovedBy != "alice" || !job.ApprovedAt.Equal(run.Spec.Approvals[0].Time) || job.WaitingSince != nil {
				t.Errorf("Run %s, job %+v", got.Status.Phase, job)
			}
			if diff := cmp.Diff(map[string]int{"run-test": 1, "run-deploy": 1}, w.created); diff != "" {
				t.Errorf("created (-want +got):\n%s", diff)
			}
			// What 2 jobs cost anyway, and 1 change of the status: that the second waits.
			if wrote := len(w.writes) + len(w.events.Events); crash == 0 && wrote != 8 {
				t.Errorf("%d writes and events: %v", wrote, w.writes)
			}
		})
	}
}

// untilQuiet lets pods succeed and the controller work until it writes no more.
func (w *world) untilQuiet(name string) {
	w.t.Helper()
	w.insist(name, func() {
		for _, job := range w.jobs() {
			w.kubelet(&job)
		}
	})
}

// insist reconciles a Run until the controller survives it and writes no more. What
// happens meanwhile does after each time that it has written and survived.
func (w *world) insist(name string, meanwhile ...func()) {
	w.t.Helper()
	for range 20 {
		before := len(w.writes)
		_, err := w.reconcile(name)
		switch {
		case errors.Is(err, errCrash):
			w.restart()
		case err != nil:
			w.t.Fatalf("reconcile: %v", err)
		case len(w.writes) == before:
			return
		default:
			for _, happens := range meanwhile {
				happens()
			}
		}
	}
	w.t.Fatalf("no end: %v", w.writes)
}
