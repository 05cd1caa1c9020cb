package run_test

import (
	"errors"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job"
)

// A cache that is far behind shows a Run that has no number yet, whose first Job
// has one, and a Run with a higher number. All Jobs of a Run carry the same.
func TestJobsOfARunCarryOneNumber(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b"})
	other := started("other", p)
	other.Status.Number = 6
	w := newWorld(t, p, revision.New(p, 1), started("run", p), other)
	w.sync()
	first := job.Build(w.run("run"), 5, &p.Spec, &p.Spec.Jobs[0])
	if err := w.live.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	for _, name := range []string{"run-a", "run-b"} {
		var made batchv1.Job
		w.get(name, &made)
		if got := made.Annotations[job.NumberAnnotation]; got != "5" {
			t.Errorf("Job %s has number %s, want 5", name, got)
		}
	}
	if got := w.run("run").Status.Number; got != 5 {
		t.Errorf("the Run has number %d, want 5", got)
	}
}

// The number was claimed, and recording it failed, as far as the controller
// knows. Meanwhile another Run has got a higher one.
func TestNumberIsClaimedOnce(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p), started("other", p))
	w.sync()
	w.deny["create *v1.Job run-j0"] = apierrors.NewForbidden(jobResource(), "run-j0", errors.New("exceeded quota: small"))
	w.deny["patch status *v1alpha1.Run run"] = apierrors.NewTimeoutError("who knows", 1)
	if _, err := w.reconcile("run"); err == nil {
		t.Fatal("the status could not be written, and nothing says so")
	}
	w.mustReconcile("other")
	clear(w.deny)
	w.mustReconcile("run")
	if got := w.run("run").Status.Number; got != 1 {
		t.Errorf("the Run has number %d, want 1", got)
	}
	if got := w.run("other").Status.Number; got != 2 {
		t.Errorf("the other Run has number %d, want 2", got)
	}
}

// An attempt whose answer is lost may have claimed the number: the next one asks
// for the same.
func TestNumberIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.deny["create *v1.ConfigMap web-1-params"] = apierrors.NewTimeoutError("who knows", 1)
	w.mustReconcile("run")
	w.wantSeen(map[string]string{"run": "Queued Queued: no job has started; j0: CreateError: create ConfigMap web-1-params: Timeout: who knows"})
	clear(w.deny)
	if err := w.live.Create(t.Context(), job.Params(w.run("run"), 1, nil)); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	if got := w.run("run").Status.Number; got != 1 {
		t.Errorf("the Run has number %d, want 1", got)
	}
}
