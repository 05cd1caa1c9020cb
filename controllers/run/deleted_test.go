package run_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func TestDeletedJobFailsOnlyIfTheServerSaysSo(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.sync()
	w.mustReconcile("run")
	if err := w.cache.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "run-j0"}, &batchv1.Job{}); !apierrors.IsNotFound(err) {
		t.Fatalf("the cache isn't behind: %v", err)
	}
	// A new process whose cache has the Run's status, and not the Job.
	w.sync()
	without := w.cache
	if err := without.Delete(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0"}}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.mustReconcile("run")
	if got := w.run("run").Status.Jobs[0].Phase; got != v1alpha1.JobRunning {
		t.Fatalf("job is %s although its Job exists", got)
	}
	if err := w.live.Delete(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0"}}); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	if got := w.run("run").Status.Jobs[0]; got.Phase != v1alpha1.JobFailed || got.Reason != "JobDeleted" {
		t.Errorf("job %+v, want Failed JobDeleted", got)
	}
	if diff := cmp.Diff(map[string]int{"run-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}

// A Job may be deleted while the controller still counts on having just made it.
// No other event may come.
func TestJobDeletedAtOnce(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	if err := w.live.Delete(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0"}}); err != nil {
		t.Fatal(err)
	}
	looks := 0
	for result := w.mustReconcile("run"); result.RequeueAfter > 0; result = w.mustReconcile("run") {
		if looks++; looks > 5 {
			t.Fatalf("still asks for another look after %s", result.RequeueAfter)
		}
		w.clock.SetTime(w.clock.Now().Add(result.RequeueAfter))
	}
	if got := w.run("run").Status; got.Phase != v1alpha1.RunFailed || got.Jobs[0].Reason != "JobDeleted" {
		t.Errorf("after %d more looks the Run is %s and its job %+v, want Failed JobDeleted", looks, got.Phase, got.Jobs[0])
	}
}

// Somebody has put a Job of their own in the place of one that the Run had.
func TestJobReplacedByAnother(t *testing.T) {
	t.Parallel()
	for _, cached := range []bool{true, false} {
		t.Run(fmt.Sprintf("cached %t", cached), func(t *testing.T) {
			t.Parallel()
			p := chain(2)
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.mustReconcile("run")
			w.sync()
			w.replaceJob(w.live)
			if cached {
				w.sync()
			} else if err := w.cache.Delete(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0"}}); err != nil {
				t.Fatal(err)
			}
			w.restart()
			w.mustReconcile("run")
			if got := w.run("run").Status; got.Phase != v1alpha1.RunFailed || got.Jobs[0].Reason != "JobDeleted" {
				t.Errorf("the Run is %s and its job %+v, want Failed JobDeleted", got.Phase, got.Jobs[0])
			}
		})
	}
}

// The cache may show the Job that had the name before.
func TestJobReplacedInTheCacheAlone(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	w.sync()
	w.replaceJob(w.cache)
	w.restart()
	w.mustReconcile("run")
	if got := w.run("run").Status.Jobs[0]; got.Phase != v1alpha1.JobRunning {
		t.Errorf("job %+v, want Running", got)
	}
}

// replaceJob puts a Job that is nobody's in the place of `run-j0`.
func (w *world) replaceJob(in client.Client) {
	w.t.Helper()
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0"}}
	if err := in.Delete(w.t.Context(), job); err != nil {
		w.t.Fatal(err)
	}
	job = &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "foreign"}}
	if err := in.Create(w.t.Context(), job); err != nil {
		w.t.Fatal(err)
	}
}
