package run_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"

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
	first := job.Build(w.run("run"), 5, &p.Spec.Jobs[0])
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
