package run_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
)

// Runs that have ended are neither read nor asked for, however many there are,
// and the API server is asked once for a Pipeline.
func TestFinishedRunsCostNothing(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 2)
	objs := []client.Object{p, revision.New(p, 1)}
	for i := range 200 {
		ended := started(fmt.Sprintf("ended-%03d", i), p)
		ended.Status.Phase, ended.Status.CompletionTime = v1alpha1.RunSucceeded, &metav1.Time{Time: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)}
		ended.Status.Number = int64(i + 1)
		ended.Status.Concurrency = &v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true}
		objs = append(objs, ended)
	}
	for _, name := range []string{"a", "b", "c"} {
		objs = append(objs, started(name, p))
	}
	w := newWorld(t, objs...)
	read := map[string]int{}
	count := func(from string) func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			err := c.List(ctx, list, opts...)
			if runs, is := list.(*v1alpha1.RunList); is {
				read[from+" lists"]++
				read[from+" runs"] = max(read[from+" runs"], len(runs.Items))
			}
			return err
		}
	}
	w.reconciler.APIReader = interceptor.NewClient(w.live, interceptor.Funcs{List: count("live")})
	for _, name := range []string{"a", "b", "c", "a", "b", "c"} {
		w.mustReconcile(name)
	}
	w.wantSeen(map[string]string{
		"a": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"b": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"c": `Queued Queued: position 1 of key "main"; waits for a, b`,
	})
	if diff := cmp.Diff(map[string]int{"live lists": 1, "live runs": 3}, read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// A Run whose turn it isn't doesn't wait for it with a worker, and nothing of
// another key, or of another Pipeline, waits for either.
func TestNobodyWaitsForAnAdmission(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 2)
	other := started("other", p)
	other.Spec.Params = map[string]string{"branch": "next"}
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p), other)
	var during []string
	w.before = func(what string) {
		if what != "patch status *v1alpha1.Run a" {
			return
		}
		w.before = nil
		if after := w.mustReconcile("b").RequeueAfter; after != 100*time.Millisecond {
			t.Errorf("b looks again after %s, want 100ms", after)
		}
		w.mustReconcile("other")
		for name := range w.created {
			during = append(during, name)
		}
	}
	w.mustReconcile("a")
	if diff := cmp.Diff([]string{"other-j0"}, during); diff != "" {
		t.Errorf("Jobs that were made while a was being admitted (-want +got):\n%s", diff)
	}
}

// One process has admitted a Run and dies. The next one's cache is behind, shows
// nothing of it and goes on doing so: neither that Run nor what it has is lost.
func TestNextLeaderIsBehind(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p), started("c", p))
	w.sync()
	old := w.cache
	w.cache = nil
	w.mustReconcile("a")
	w.cache = old
	w.restart()
	for range 2 {
		w.mustReconcile("b")
		w.mustReconcile("c")
	}
	if diff := cmp.Diff(map[string]int{"a-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	// Nor is it held for ever once that Run is deleted, though the cache never
	// shows that it was there.
	if err := w.live.Delete(t.Context(), w.run("a")); err != nil {
		t.Fatal(err)
	}
	w.cache = builder(t).WithObjects(p, revision.New(p, 1), w.run("b"), w.run("c")).Build()
	w.mustReconcile("b")
	if diff := cmp.Diff(map[string]int{"a-j0": 1, "b-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}

// A newer Run that would replace this one was cancelled, and the cache doesn't
// show it: what can't be taken back is decided from the API server's word.
func TestReplacedOnlyByOneThatIsThere(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyReplace, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
	w.mustReconcile("a")
	w.mustReconcile("b")
	w.sync()
	newer := w.run("b")
	newer.Spec.Cancelled = true
	if err := w.live.Update(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("a")
	w.wantSeen(map[string]string{"a": "Running Running: 0 of 1 jobs succeeded; running: j0"})
}

// Runs of one second take their turns in the order of their versions at creation,
// whatever their names. Those made by hand are changed before their status is
// written.
func TestOrderWithinASecond(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	objs := []client.Object{p, revision.New(p, 1)}
	for i, name := range []string{"c", "a", "b"} {
		r := started(name, p)
		r.Labels, r.OwnerReferences, r.Spec.Revision, r.ResourceVersion = nil, nil, "", strconv.Itoa(8+i)
		objs = append(objs, r)
	}
	w := newWorld(t, objs...)
	for range 2 {
		for _, name := range []string{"b", "a", "c"} {
			w.mustReconcile(name)
		}
	}
	w.wantSeen(map[string]string{
		"c": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"a": `Queued Queued: position 1 of key "main"; waits for c`,
		"b": `Queued Queued: position 2 of key "main"; waits for c`,
	})
	versions := map[string]string{}
	for _, name := range []string{"a", "b", "c"} {
		versions[name] = w.run(name).Status.CreatedVersion
	}
	if diff := cmp.Diff(map[string]string{"c": "8", "a": "9", "b": "10"}, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

// Runs whose key never comes again are remembered no longer than they are there.
func TestRunsThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	p.Spec.Concurrency.Key = "run.name"
	w := newWorld(t, p, revision.New(p, 1))
	for i := range 10 {
		name := fmt.Sprintf("r%d", i)
		if err := w.live.Create(t.Context(), started(name, p)); err != nil {
			t.Fatal(err)
		}
		w.mustReconcile(name)
		if i%2 == 0 {
			w.endJobs(name)
			w.mustReconcile(name)
			continue
		}
		e := event.DeleteEvent{Object: w.run(name)}
		w.remove(w.run(name))
		if run.PlaceNews().Delete(e) {
			w.reconciler.Wake().Delete(t.Context(), e, &queue{due: map[types.NamespacedName]time.Time{}, now: w.clock.Now})
		}
	}
	if got := w.reconciler.Remembered(); got > 0 {
		t.Errorf("%d Runs are remembered", got)
	}
}
