package run_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// bounded is a Pipeline of one job whose Runs of the same branch share the
// places.
func bounded(policy v1alpha1.ConcurrencyPolicy, limit int32) *v1alpha1.Pipeline {
	p := chain(1)
	p.Spec.Params = []v1alpha1.Param{{Name: "branch", Default: new("main")}}
	p.Spec.Concurrency = &v1alpha1.Concurrency{Key: "params.branch", Limit: limit, Policy: policy}
	return p
}

// second is a Pipeline like the first.
func second(p *v1alpha1.Pipeline, name string) *v1alpha1.Pipeline {
	p = p.DeepCopy()
	p.Name, p.UID = name, types.UID(name)
	return p
}

// endJobs lets every pod of the Run that doesn't exist yet succeed.
func (w *world) endJobs(name string) {
	w.t.Helper()
	for _, job := range w.jobs() {
		if job.Labels[v1alpha1.RunLabel] == name {
			w.kubelet(&job)
		}
	}
}

// seen is what `kubectl get runs` shows of each Run.
func (w *world) seen(names ...string) map[string]string {
	w.t.Helper()
	lines := map[string]string{}
	for _, name := range names {
		status := w.run(name).Status
		lines[name] = string(status.Phase)
		if len(status.Conditions) > 0 {
			lines[name] += " " + status.Conditions[0].Reason + ": " + status.Conditions[0].Message
		}
	}
	return lines
}

func (w *world) wantSeen(want map[string]string) {
	w.t.Helper()
	var names []string
	for name := range want {
		names = append(names, name)
	}
	if diff := cmp.Diff(want, w.seen(names...)); diff != "" {
		w.t.Errorf("Runs (-want +got):\n%s", diff)
	}
}

// A Run that finds a place costs one write more than another, its admission; one
// that waits costs one for each position that it shows.
func TestQueueAndItsWrites(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p), started("c", p))
	for range 2 {
		for _, name := range []string{"a", "b", "c"} {
			w.mustReconcile(name)
		}
	}
	w.wantSeen(map[string]string{
		"a": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"b": `Queued Queued: position 1 of key "main"; waits for a`,
		"c": `Queued Queued: position 2 of key "main"; waits for a`,
	})
	w.endJobs("a")
	for range 2 {
		for _, name := range []string{"c", "b", "a", "c", "b"} {
			w.mustReconcile(name)
		}
	}
	w.wantSeen(map[string]string{
		"a": "Succeeded Succeeded: 1 of 1 jobs succeeded",
		"b": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"c": `Queued Queued: position 1 of key "main"; waits for b`,
	})
	want := []string{
		"patch status *v1alpha1.Run a", "create *v1.ConfigMap web-1-params", "create *v1.Job a-j0", "patch status *v1alpha1.Run a",
		"patch status *v1alpha1.Run b", "patch status *v1alpha1.Run c",
		"patch status *v1alpha1.Run a",
		"patch status *v1alpha1.Run b", "create *v1.ConfigMap web-2-params", "create *v1.Job b-j0", "patch status *v1alpha1.Run b",
		"patch status *v1alpha1.Run c",
	}
	if diff := cmp.Diff(want, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"*v1alpha1.RunList"}, w.liveReads); diff != "" {
		t.Errorf("live reads, one for the Pipeline (-want +got):\n%s", diff)
	}
}

func TestRunsOfOtherKeysDontMeet(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	other := started("b", p)
	other.Spec.Params = map[string]string{"branch": "next"}
	w := newWorld(t, p, revision.New(p, 1), started("a", p), other)
	w.mustReconcile("a")
	w.mustReconcile("b")
	if diff := cmp.Diff(map[string]int{"a-j0": 1, "b-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}

// Runs of the Pipelines of a group take their turns in the order of creation,
// those too that nobody has looked at and that aren't pinned yet. One read of the
// API server is enough for all.
func TestGroupOfPipelines(t *testing.T) {
	t.Parallel()
	web, alone := bounded(v1alpha1.ConcurrencyQueue, 1), second(bounded(v1alpha1.ConcurrencyQueue, 1), "alone")
	web.Spec.Concurrency = &v1alpha1.Concurrency{Group: "production"}
	app := second(web, "app")
	byHand := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "b", UID: "run-b"}, Spec: v1alpha1.RunSpec{Pipeline: "app"}}
	w := newWorld(t, web, app, alone, revision.New(web, 1), revision.New(app, 1), revision.New(alone, 1),
		started("a", web), byHand, started("c", web), started("d", alone))
	for _, name := range []string{"c", "b", "d", "a"} {
		w.mustReconcile(name)
	}
	w.wantSeen(map[string]string{
		"a": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"b": "Queued Queued: position 2 of group production; waits for a of pipeline web",
		"c": "Queued Queued: position 3 of group production; waits for a",
		"d": "Running Running: 0 of 1 jobs succeeded; running: j0",
	})
	if diff := cmp.Diff([]string{"*v1alpha1.RunList"}, w.liveReads); diff != "" {
		t.Errorf("live reads (-want +got):\n%s", diff)
	}
	w.endJobs("a")
	for range 2 {
		for _, name := range []string{"a", "b", "c"} {
			w.mustReconcile(name)
		}
	}
	w.wantSeen(map[string]string{
		"b": "Running Running: 0 of 1 jobs succeeded; running: j0",
		"c": "Queued Queued: position 1 of group production; waits for b of pipeline app",
	})
	if diff := cmp.Diff(&v1alpha1.ConcurrencyStatus{Group: "production", Admitted: true}, w.run("b").Status.Concurrency); diff != "" {
		t.Errorf("place (-want +got):\n%s", diff)
	}
}

// Whether a newer Run of another Pipeline replaces one is for the older one's
// policy to say.
func TestReplaceInAGroup(t *testing.T) {
	t.Parallel()
	for policy, want := range map[v1alpha1.ConcurrencyPolicy]string{
		v1alpha1.ConcurrencyReplace: `Running Replacing: stopping j0: run b of key "main" of group all is newer`,
		v1alpha1.ConcurrencyQueue:   "Running Running: 0 of 1 jobs succeeded; running: j0",
	} {
		web, app := bounded(policy, 1), second(bounded(v1alpha1.ConcurrencyQueue, 1), "app")
		web.Spec.Concurrency.Group, app.Spec.Concurrency.Group = "all", "all"
		w := newWorld(t, web, app, revision.New(web, 1), revision.New(app, 1), started("a", web), started("b", app))
		w.mustReconcile("a")
		for _, job := range w.jobs() {
			w.kubelet(&job)
		}
		pod := &corev1.Pod{}
		w.get("a-j0-pod", pod)
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		w.updateStatus(pod)
		w.mustReconcile("b")
		w.mustReconcile("a")
		w.wantSeen(map[string]string{"a": want, "b": `Queued Queued: position 1 of key "main" of group all; waits for a of pipeline web`})
	}
}

func TestConcurrencyKeyThatFails(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	p.Spec.Concurrency.Key = "params.branch.split('/')[1]"
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	if result := w.mustReconcile("run"); result.RequeueAfter > 0 {
		t.Errorf("asks for another look after %s", result.RequeueAfter)
	}
	got := w.run("run").Status
	if c := got.Conditions[0]; got.Phase != v1alpha1.RunFailed || c.Reason != "InvalidConcurrencyKey" ||
		!strings.HasPrefix(c.Message, "the Pipeline's concurrency.key: 1:25: index out of bounds: 1") {
		t.Errorf("%s, %s: %s", got.Phase, c.Reason, c.Message)
	}
	before := len(w.writes)
	w.mustReconcile("run")
	if extra := w.writes[before:]; len(extra) > 0 || len(w.created) > 0 {
		t.Errorf("a second look wrote %v; Jobs %v", extra, w.created)
	}
}

// The cache shows neither the admission of one Run nor the existence of another
// that is older. Only the API server's word counts.
func TestAdmissionAsksTheServer(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("b", p))
	stale := w.run("b")
	w.mustReconcile("b")
	if err := w.live.Create(t.Context(), started("a", p)); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.cache = builder(t).WithObjects(p, revision.New(p, 1), w.run("a"), stale).Build()
	w.mustReconcile("a")
	w.wantSeen(map[string]string{"a": `Queued Queued: position 1 of key "main"; waits for b`})

	w = newWorld(t, p, revision.New(p, 1), started("b", p))
	w.sync()
	if err := w.live.Create(t.Context(), started("a", p)); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": `Queued Queued: position 2 of key "main"; waits for a`})
}

// An older Run that can't run, or of a revision that bounds nothing, is in
// nobody's way, even before it says so itself.
func TestOthersWithoutAKey(t *testing.T) {
	t.Parallel()
	p, free := bounded(v1alpha1.ConcurrencyQueue, 1), chain(1)
	invalid := started("a", p)
	invalid.Spec.Params = map[string]string{"unknown": "x"}
	lost := started("b", p)
	lost.Spec.Revision = "web-gone"
	w := newWorld(t, p, revision.New(p, 1), revision.New(free, 2), invalid, lost, started("c", free), started("z", p))
	w.mustReconcile("z")
	if diff := cmp.Diff(map[string]int{"z-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencySkip, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p), started("c", p))
	w.mustReconcile("a")
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": `Cancelled Skipped: skipped: no place for another run of key "main" beside a`})
	w.sync() // and the cache goes on showing a as running
	w.endJobs("a")
	cache := w.cache
	w.cache = nil
	w.mustReconcile("a")
	w.cache = cache
	w.restart()
	w.mustReconcile("c")
	w.wantSeen(map[string]string{"a": "Succeeded Succeeded: 1 of 1 jobs succeeded", "c": "Running Running: 0 of 1 jobs succeeded; running: j0"})
}

// The controller dies right after each of its writes while a newer Run replaces
// one that runs, and the newer one is cancelled before it is back. Once a pod
// was stopped for it, the older Run has been replaced all the same.
func TestReplace(t *testing.T) {
	t.Parallel()
	for crashAt := range 4 {
		p := bounded(v1alpha1.ConcurrencyReplace, 1)
		w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
		w.mustReconcile("a")
		job := w.jobs()[0]
		w.kubelet(&job)
		pod := &corev1.Pod{}
		w.get("a-j0-pod", pod)
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		w.updateStatus(pod)
		w.mustReconcile("b")
		w.wantSeen(map[string]string{"b": `Queued Queued: position 1 of key "main"; waits for a`})

		if crashAt > 0 {
			w.crashAt = len(w.writes) + crashAt
		}
		if _, err := w.reconcile("a"); err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		w.get("a-j0-pod", pod)
		stopped := pod.Spec.ActiveDeadlineSeconds != nil
		newer := w.run("b")
		newer.Spec.Cancelled = true
		if err := w.live.Update(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.mustReconcile("b")
		w.mustReconcile("a")
		w.wantSeen(map[string]string{"a": `Running Replacing: stopping j0: run b of key "main" is newer`})
		if w.get("a-j0-pod", pod); ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) != 1 {
			t.Errorf("crash at %d: the pod's deadline is %v, want 1", crashAt, pod.Spec.ActiveDeadlineSeconds)
		}
		pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "DeadlineExceeded"
		w.updateStatus(pod)
		w.mustReconcile("a")
		w.wantSeen(map[string]string{"a": `Cancelled Replaced: replaced: run b of key "main" is newer; 0 of 1 jobs succeeded`})
		if !stopped && crashAt != 1 {
			t.Errorf("crash at %d: the pod was not stopped before it", crashAt)
		}
	}
}

// A Run that is cancelled while it waits ends at once, and a Run without a
// record is never admitted after that.
func TestCancelInTheQueue(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	unseen := started("c", p)
	unseen.Spec.Cancelled = true
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p), unseen)
	w.mustReconcile("a")
	w.mustReconcile("b")
	waiting := w.run("b")
	waiting.Spec.Cancelled = true
	if err := w.live.Update(t.Context(), waiting); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("b")
	w.mustReconcile("c")
	w.wantSeen(map[string]string{
		"b": "Cancelled Cancelled: cancelled before it started", "c": "Cancelled Cancelled: cancelled before it started",
	})
	if diff := cmp.Diff(map[string]int{"a-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	if got := w.run("b").Status.Concurrency; got.Position != 0 {
		t.Errorf("a Run that has ended shows position %d", got.Position)
	}
}
