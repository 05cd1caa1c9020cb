package configrepo_test

import (
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// TestMassPruneWaitsForAWord: what most objects would be pruned by changes nothing.
func TestMassPruneWaitsForAWord(t *testing.T) {
	w := newWorld(t, configRepo())
	named := func(name string) render.Object {
		object := webPipeline("busybox:1")
		object.Object.SetName(name)
		return object
	}
	w.rendered = []render.Object{named("a"), named("b"), named("c")}
	w.reconcile(t)

	w.head.Commit, w.rendered = "c2", []render.Object{named("d")}
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	_, writes, said := w.reconcile(t)
	const message = "the commit no longer renders 3 of the 3 objects, so nothing was changed; " +
		"set spec.allowPrune if they are to be removed: Pipeline/c, Pipeline/b, Pipeline/a"
	expect(t, "writes", []string{"status mine", "status mine"}, writes)
	expect(t, "events", []string{"Warning PruneRefused " + message}, said)

	w.update(t, func(repo *v1alpha1.ConfigRepo) { repo.Spec.AllowPrune = true })
	_, _, said = w.reconcile(t)
	expect(t, "events", []string{"Normal Applied applied main@sha1:c2: 1 created, 3 pruned"}, said)
}

// active is a Run of the Pipeline `web` that has not ended.
func active(name string) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID("u-" + name), Labels: map[string]string{v1alpha1.PipelineLabel: "web"}},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"},
		Status:     v1alpha1.RunStatus{Phase: v1alpha1.RunRunning},
	}
}

// renamed is a world that has applied the Pipeline `web`, which a Run executes, and
// then a commit that calls it otherwise.
func renamed(t *testing.T, change func(*v1alpha1.ConfigRepo)) (w *world, writes, said []string) {
	t.Helper()
	repo := configRepo()
	if change != nil {
		change(repo)
	}
	return renamedWith(t, repo, active("r1"))
}

func renamedWith(t *testing.T, objects ...client.Object) (w *world, writes, said []string) {
	t.Helper()
	w = newWorld(t, objects...)
	writes, said = w.rename(t)
	return w, writes, said
}

// rename has the Pipeline `web` applied, and then a commit that calls it otherwise.
func (w *world) rename(t *testing.T) (writes, said []string) {
	t.Helper()
	w.rendered = []render.Object{webPipeline("busybox:1")}
	w.reconcile(t)
	other := webPipeline("busybox:1")
	other.Object.SetName("web2")
	w.head.Commit, w.rendered = "c2", []render.Object{other}
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	_, writes, said = w.reconcile(t)
	return writes, said
}

func (w *world) ready(t *testing.T) string {
	t.Helper()
	if !conditions.IsTrue(w.repo(t), meta.ReadyCondition) {
		t.Errorf("the ConfigRepo is not Ready: %+v", w.conditions(t))
	}
	return conditions.GetMessage(w.repo(t), meta.ReadyCondition)
}

func (w *world) pipelines(t *testing.T) []string {
	t.Helper()
	var list v1alpha1.PipelineList
	if err := w.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	return names
}

// A Pipeline that a commit renames waits for its Runs, and says so.
func TestPruneWaitsForRuns(t *testing.T) {
	w, _, said := renamed(t, nil)
	const waits = "to be pruned when its active Runs have ended: Pipeline/web (2026-01-02T04:09:05Z at the latest)"
	expect(t, "events", []string{"Normal Applied applied main@sha1:c2: 1 created", "Normal PruneWaits " + waits}, said)
	expect(t, "message", "applied main@sha1:c2; "+waits, w.ready(t))
	expect(t, "pipelines", []string{"web", "web2"}, w.pipelines(t))

	w.clock.SetTime(w.clock.Now().Add(10 * time.Second))
	result, writes, said := w.reconcile(t)
	expect(t, "writes while it waits", []string(nil), writes)
	expect(t, "events while it waits", []string(nil), said)
	expect(t, "next look", 10*time.Second, result.RequeueAfter)

	ended := &v1alpha1.Run{}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(active("r1")), ended); err != nil {
		t.Fatal(err)
	}
	ended.Status.Phase, ended.Status.CompletionTime = v1alpha1.RunSucceeded, &metav1.Time{Time: w.clock.Now()}
	if err := w.Status().Update(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	w.clock.SetTime(w.clock.Now().Add(10 * time.Second))
	_, writes, said = w.reconcile(t)
	expect(t, "writes", []string{"delete web", "status mine"}, writes)
	expect(t, "events", []string{"Normal Pruned pruned what had waited for its Runs: 1 pruned"}, said)
	expect(t, "message", "applied main@sha1:c2", w.ready(t))
	expect(t, "pipelines", []string{"web2"}, w.pipelines(t))
	_, writes, _ = w.reconcile(t)
	expect(t, "writes then", []string(nil), writes)
}

// A new process finds since when in the status.
func TestPruneWaitsForRunsNoLongerThanAllowed(t *testing.T) {
	w, _, _ := renamed(t, func(repo *v1alpha1.ConfigRepo) { repo.Spec.PruneTimeout = &metav1.Duration{Duration: 2 * time.Minute} })
	w.restart(t)
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.reconcile(t)
	expect(t, "pipelines", []string{"web", "web2"}, w.pipelines(t))
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.reconcile(t)
	expect(t, "pipelines", []string{"web2"}, w.pipelines(t))
}

func TestPruneWaitsForNoRuns(t *testing.T) {
	w, _, said := renamed(t, func(repo *v1alpha1.ConfigRepo) { repo.Spec.PruneTimeout = &metav1.Duration{} })
	expect(t, "events", []string{"Normal Applied applied main@sha1:c2: 1 created, 1 pruned"}, said)
	expect(t, "pipelines", []string{"web2"}, w.pipelines(t))
}
