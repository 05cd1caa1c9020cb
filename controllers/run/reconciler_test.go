package run_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func chain(n int) *v1alpha1.Pipeline {
	var jobs []v1alpha1.Job
	for i := range n {
		job := v1alpha1.Job{Name: fmt.Sprintf("j%d", i)}
		if i > 0 {
			job.Needs = []string{fmt.Sprintf("j%d", i-1)}
		}
		jobs = append(jobs, job)
	}
	return pipeline(jobs...)
}

// The Run's creation, the Pipeline's status and the Run's deletion are others'
// writes: three of the 2N+6. The event is one that this counts.
func TestWritesOfARun(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*v1alpha1.Pipeline{"chain": chain(5), "diamond": diamond(), "one": chain(1)} {
		for _, lag := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lag %t", name, lag), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, p, revision.New(p, 1), started("run", p))
				w.repeat(lag)
				w.wantFrugal(len(p.Spec.Jobs))
			})
		}
	}
}

// repeat reconciles twice for each thing that happens, and many times after the
// end. With lag the cache shows what was written only after both.
func (w *world) repeat(lag bool) {
	w.t.Helper()
	for range 30 {
		if lag {
			w.sync()
		}
		w.mustReconcile("run")
		w.mustReconcile("run")
		for _, job := range w.jobs() {
			w.kubelet(&job)
		}
	}
}

// wantFrugal checks what a Run of n jobs that has succeeded has cost.
func (w *world) wantFrugal(n int) {
	w.t.Helper()
	if got := w.run("run").Status.Phase; got != v1alpha1.RunSucceeded {
		w.t.Fatalf("phase %s, want Succeeded", got)
	}
	if got, most := len(w.writes)+len(w.events.Events), 2*n+6-3; got > most {
		w.t.Errorf("%d writes, at most %d:\n%s", got, most, strings.Join(w.writes, "\n"))
	}
	if w.conflicts > 0 || len(w.liveReads) > 0 {
		w.t.Errorf("%d conflicts, live reads %v; want none", w.conflicts, w.liveReads)
	}
	if len(w.events.Events) != 1 {
		w.t.Fatalf("%d events, want 1", len(w.events.Events))
	}
	if got, want := w.event(), fmt.Sprintf("Normal Succeeded %d of %d jobs succeeded", n, n); got != want {
		w.t.Errorf("event %q, want %q", got, want)
	}
}

// The controller dies right after its k-th write, for each k, by hand-made Run
// so that pinning is among them.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		p := diamond()
		run := started("run", p)
		run.Spec.Revision, run.Labels, run.OwnerReferences = "", nil, nil
		w := newWorld(t, p, run)
		w.crashAt = crashAt
		return w, w.play()
	}
	calm, want := play(0)
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		for name, times := range w.created {
			if times != 1 {
				t.Errorf("killed after write %d (%s): Job %s was created %d times", k, calm.writes[k-1], name, times)
			}
		}
		if diff := cmp.Diff(calm.created, w.created); diff != "" {
			t.Errorf("killed after write %d (%s): Jobs (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		before := len(w.writes)
		w.mustReconcile("run")
		if extra := w.writes[before:]; len(extra) > 0 {
			t.Errorf("killed after write %d: one more look wrote %v", k, extra)
		}
	}
}

// A new controller whose cache is behind by any amount must neither start a job
// twice nor take a result back.
func TestStaleCacheAfterRestart(t *testing.T) {
	t.Parallel()
	p := diamond()
	for stale := range 6 {
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		for i := range 6 {
			if i == stale {
				w.sync()
			}
			cache := w.cache
			w.cache = nil
			w.mustReconcile("run")
			for _, job := range w.jobs() {
				w.kubelet(&job)
			}
			w.cache = cache
		}
		before := w.run("run").Status
		w.restart()
		_, err := w.reconcile("run")
		if err != nil {
			t.Errorf("stale since step %d: %v", stale, err)
		}
		if diff := cmp.Diff(before, w.run("run").Status); diff != "" {
			t.Errorf("stale since step %d: status changed (-before +after):\n%s", stale, diff)
		}
		for name, times := range w.created {
			if times != 1 {
				t.Errorf("stale since step %d: Job %s was created %d times", stale, name, times)
			}
		}
	}
}

func TestHandMadeRunIsPinned(t *testing.T) {
	t.Parallel()
	p := chain(1)
	byHand := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run", UID: "run-uid", Labels: map[string]string{"team": "blue"}},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"},
	}
	w := newWorld(t, p, byHand)
	w.mustReconcile("run")
	got := w.run("run")
	if got.Spec.Revision != revision.Name(p) {
		t.Errorf("revision %q, want %q", got.Spec.Revision, revision.Name(p))
	}
	if diff := cmp.Diff(map[string]string{"team": "blue", "kayci.dev/pipeline": "web"}, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if !metav1.IsControlledBy(got, p) || !ptr.Deref(got.OwnerReferences[0].BlockOwnerDeletion, false) {
		t.Errorf("owners %v, want the pipeline", got.OwnerReferences)
	}

	// An edit of the Pipeline is not this Run's.
	edited := p.DeepCopy()
	edited.Spec.Jobs[0].Name = "renamed"
	edited.ResourceVersion = ""
	if err := w.live.Patch(t.Context(), edited, client.Merge); err != nil {
		t.Fatal(err)
	}
	if final := w.play(); final.Status.Jobs[0].Name != "j0" {
		t.Errorf("the Run executed the edited Pipeline: %+v", final.Status.Jobs)
	}
}

func TestRunsThatCannotRun(t *testing.T) {
	t.Parallel()
	p := chain(1)
	p.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}}
	broken := chain(2)
	broken.Spec.Jobs[0].Needs = []string{"j1"}
	choice := chain(1)
	choice.Spec.Params = []v1alpha1.Param{{Name: "stage", Enum: []string{"test", "live"}}}
	choosing := started("run", choice)
	choosing.Spec.Params = map[string]string{"stage": "canary"}
	conditional := pipeline(v1alpha1.Job{Name: "a", If: "jobs.b.phase == ''"})
	foreign := revision.New(p, 1)
	foreign.OwnerReferences[0].UID = "another-pipeline"
	// Whoever creates a Run may write any owner.
	other := chain(1)
	other.Name, other.UID = "other", "other-uid"
	posing := started("run", other)
	posing.Spec.Pipeline, posing.OwnerReferences[0].Name = "web", "web"
	for _, tt := range []struct {
		name    string
		run     *v1alpha1.Run
		objs    []client.Object
		reason  string
		message string
	}{
		{name: "revision gone", run: started("run", p), objs: []client.Object{p}, reason: "RevisionNotFound", message: "doesn't exist"},
		{name: "revision of another pipeline", run: started("run", p), objs: []client.Object{p, foreign}, reason: "RevisionNotFound", message: "isn't one of pipeline web"},
		{name: "posing as another pipeline's", run: posing, objs: []client.Object{p, other, revision.New(other, 1)}, reason: "RevisionNotFound", message: "isn't one of pipeline web"},
		{name: "missing parameter", run: started("run", p), objs: []client.Object{p, revision.New(p, 1)}, reason: "InvalidParameters", message: "git_sha"},
		{
			name: "value that isn't allowed", run: choosing, objs: []client.Object{choice, revision.New(choice, 1)},
			reason: "InvalidParameters", message: `params[stage]: Invalid value: must be one of "test", "live"`,
		},
		{
			name: "condition that doesn't compile", run: started("run", conditional), objs: []client.Object{conditional, revision.New(conditional, 1)},
			reason: "InvalidSpec", message: `spec.jobs[0].if: Invalid value: 1:1: "b" is no job that this one needs`,
		},
		{name: "impossible graph", run: started("run", broken), objs: []client.Object{broken, revision.New(broken, 1)}, reason: "InvalidSpec", message: "j1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run.Namespace, tt.run.Name = "ci", "run"
			w := newWorld(t, append(tt.objs, tt.run)...)
			if result := w.mustReconcile("run"); result.RequeueAfter > 0 {
				t.Errorf("asks for another look after %s", result.RequeueAfter)
			}
			got := w.run("run").Status
			if got.Phase != v1alpha1.RunFailed || got.CompletionTime == nil {
				t.Errorf("phase %s at %v, want Failed", got.Phase, got.CompletionTime)
			}
			if c := got.Conditions[0]; c.Reason != tt.reason || !strings.Contains(c.Message, tt.message) {
				t.Errorf("%s: %q, want %s with %q", c.Reason, c.Message, tt.reason, tt.message)
			}
			if len(w.created) > 0 {
				t.Errorf("Jobs were created: %v", w.created)
			}
			if event := w.event(); !strings.HasPrefix(event, "Warning Failed ") {
				t.Errorf("event %q", event)
			}
			before := len(w.writes)
			w.mustReconcile("run")
			if extra := w.writes[before:]; len(extra) > 0 {
				t.Errorf("a second look wrote %v", extra)
			}
		})
	}
}

// The cache may not have a Pipeline yet that was created together with the Run.
func TestPipelineUnknownToTheCache(t *testing.T) {
	t.Parallel()
	p := chain(1)
	run := started("run", p)
	w := newWorld(t, run, revision.New(p, 1))
	w.sync()
	if err := w.live.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	if got := w.run("run").Status.Phase; got != v1alpha1.RunRunning {
		t.Errorf("phase %s, want Running", got)
	}
}

func TestNumbersAreClaimedOnce(t *testing.T) {
	t.Parallel()
	p := chain(1)
	p.Status.LastNumber, p.Status.LastRun = 6, &v1alpha1.LastRun{Number: 4} // 5 and 6 were deleted
	w := newWorld(t, p, revision.New(p, 1), started("one", p), started("two", p), started("three", p))
	w.sync() // and never again: siblings are not seen
	seen := map[int64]string{}
	for _, name := range []string{"one", "two", "three"} {
		w.restart() // nothing is known from memory either
		w.mustReconcile(name)
		number := w.run(name).Status.Number
		if other, taken := seen[number]; taken || number <= 6 {
			t.Errorf("run %s has number %d, after 6 and like %q", name, number, other)
		}
		seen[number] = name
		var params corev1.ConfigMap
		w.get(fmt.Sprintf("web-%d-params", number), &params)
		if params.Data["KAYCI_RUN"] != name {
			t.Errorf("parameters of number %d are those of run %q, want %q", number, params.Data["KAYCI_RUN"], name)
		}
	}
}

// A controller that is killed before it could record the number finds it in the
// Job, even if numbers have moved on.
func TestNumberSurvivesInTheJob(t *testing.T) {
	t.Parallel()
	p := chain(2)
	w := newWorld(t, p, revision.New(p, 1), started("one", p), started("two", p))
	w.crashAt = 2 // the ConfigMap and the first Job
	if _, err := w.reconcile("one"); !errors.Is(err, errCrash) {
		t.Fatalf("error %v, want a crash", err)
	}
	w.restart()
	w.mustReconcile("two")
	w.mustReconcile("one")
	got := map[string]int64{"one": w.run("one").Status.Number, "two": w.run("two").Status.Number}
	if diff := cmp.Diff(map[string]int64{"one": 1, "two": 2}, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

// A Run that is being deleted, or is gone, is left alone.
func TestDeletedRun(t *testing.T) {
	t.Parallel()
	p := chain(1)
	run := started("run", p)
	run.Finalizers, run.DeletionTimestamp = []string{"foregroundDeletion"}, &metav1.Time{Time: metav1.Now().Time}
	w := newWorld(t, p, revision.New(p, 1), run)
	w.mustReconcile("run")
	w.mustReconcile("gone")
	if len(w.writes) > 0 {
		t.Errorf("wrote %v", w.writes)
	}
}
