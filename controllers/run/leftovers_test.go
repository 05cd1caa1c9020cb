package run_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
)

const (
	goesOn  = "Running Running: 0 of 1 jobs succeeded; running: j0"
	waits   = `Queued Queued: position 1 of key "main"; waits for a`
	waitsOn = `Queued Queued: position 1 of key "main"; waits for the pods of deleted run a`
)

// bereaved is a world in which the Run b waits for a, whose Job has a pod that
// runs, if it is to have one.
func bereaved(t *testing.T, pod bool) *world {
	t.Helper()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
	w.mustReconcile("a")
	if pod {
		w.runPod("a-j0")
	}
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": waits})
	return w
}

func (w *world) remove(objs ...client.Object) {
	w.t.Helper()
	for _, obj := range objs {
		obj.SetNamespace("ci")
		if err := w.live.Delete(w.t.Context(), obj); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) change(name string, obj client.Object, mutate func()) {
	w.t.Helper()
	w.get(name, obj)
	mutate()
	if err := w.live.Update(w.t.Context(), obj); err != nil {
		w.t.Fatal(err)
	}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func (w *world) endPod(name string) {
	w.t.Helper()
	pod := &corev1.Pod{}
	w.get(name, pod)
	pod.Status.Phase = corev1.PodFailed
	w.updateStatus(pod)
}

// A deleted Run has its place until nothing of it may run any more, however it is
// deleted, whether the controller is restarted or not. A Run that waits says so,
// once.
func TestDeletedRunHoldsItsPlace(t *testing.T) {
	t.Parallel()
	aRun := func() client.Object { return &v1alpha1.Run{ObjectMeta: named("a")} }
	aJob := func() client.Object { return &batchv1.Job{ObjectMeta: named("a-j0")} }
	aPod := func() client.Object { return &corev1.Pod{ObjectMeta: named("a-j0-pod")} }
	type step struct {
		do   func(w *world)
		want string
	}
	remove := func(obj func() client.Object) func(*world) { return func(w *world) { w.remove(obj()) } }
	hold := func(w *world, name string, obj client.Object) {
		w.change(name, obj, func() { obj.SetFinalizers([]string{"example.com/held"}) })
	}
	for name, tc := range map[string]struct {
		podless bool
		steps   []step
	}{
		"in the background": {steps: []step{
			{remove(aRun), waitsOn},
			{remove(aJob), waitsOn},
			{remove(aPod), goesOn},
		}},
		"a pod that ends": {steps: []step{
			{func(w *world) { w.remove(aRun(), aJob()) }, waitsOn},
			{func(w *world) { w.endPod("a-j0-pod") }, goesOn},
		}},
		"a pod that is held": {steps: []step{
			{func(w *world) { hold(w, "a-j0-pod", &corev1.Pod{}); w.remove(aRun(), aJob(), aPod()) }, waitsOn},
			{func(w *world) { w.endPod("a-j0-pod") }, goesOn},
		}},
		"a Job without a pod": {podless: true, steps: []step{
			{remove(aRun), waitsOn},
			{remove(aJob), goesOn},
		}},
		"a Job that is held": {podless: true, steps: []step{
			{func(w *world) { hold(w, "a-j0", &batchv1.Job{}); w.remove(aRun(), aJob()) }, waitsOn},
			{func(w *world) { w.change("a-j0", &batchv1.Job{}, func() {}) }, waitsOn},
		}},
		"in the foreground": {steps: []step{
			{func(w *world) { hold(w, "a", &v1alpha1.Run{}); w.remove(aRun()) }, waits},
			{func(w *world) { w.remove(aPod(), aJob()) }, waits},
			{func(w *world) { run := &v1alpha1.Run{}; w.change("a", run, func() { run.Finalizers = nil }) }, goesOn},
		}},
		"with orphans": {steps: []step{
			{func(w *world) {
				job := &batchv1.Job{}
				w.change("a-j0", job, func() { job.OwnerReferences = nil })
				w.remove(aRun())
			}, waitsOn},
			{func(w *world) { w.endPod("a-j0-pod") }, waitsOn},
			{func(w *world) {
				job := &batchv1.Job{}
				w.get("a-j0", job)
				job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
				w.updateStatus(job)
			}, goesOn},
		}},
		"and made anew": {steps: []step{
			{func(w *world) {
				again := started("a", bounded(v1alpha1.ConcurrencyQueue, 1))
				again.UID, again.CreationTimestamp = "another", metav1.Time{Time: w.clock.Now().Add(time.Hour)}
				w.remove(aRun(), aJob())
				if err := w.live.Create(w.t.Context(), again); err != nil {
					w.t.Fatal(err)
				}
			}, waitsOn},
			{remove(aPod), goesOn},
		}},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %t", name, restarted), func(t *testing.T) {
				t.Parallel()
				w := bereaved(t, !tc.podless)
				for i, step := range tc.steps {
					step.do(w)
					if restarted {
						w.restart()
					}
					w.mustReconcile("b")
					before := len(w.writes)
					w.mustReconcile("b")
					if wrote := w.writes[before:]; len(wrote) > 0 {
						t.Errorf("step %d: a second look wrote %v", i, wrote)
					}
					if got := w.seen("b")["b"]; got != step.want {
						t.Errorf("step %d: %s, want %s", i, got, step.want)
					}
				}
			})
		}
	}
}

// The cache may show that a Run is gone, and not yet what it has left. The API
// server is asked then, and not for the next Run.
func TestCacheIsBehindAboutWhatIsLeft(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
	w.mustReconcile("a")
	w.mustReconcile("b")
	w.runPod("a-j0")
	w.remove(&v1alpha1.Run{ObjectMeta: named("a")}, &batchv1.Job{ObjectMeta: named("a-j0")})
	w.sync()
	if err := w.cache.Delete(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "a-j0-pod"}}); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": waitsOn})
	w.remove(&corev1.Pod{ObjectMeta: named("a-j0-pod")})
	w.sync()
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": goesOn})
	w.cache = nil
	w.endJobs("b")
	w.mustReconcile("b")
	if err := w.live.Create(t.Context(), started("c", p)); err != nil {
		t.Fatal(err)
	}
	w.liveReads = nil
	w.mustReconcile("c")
	w.wantSeen(map[string]string{"c": goesOn})
	if len(w.liveReads) > 0 {
		t.Errorf("live reads %v", w.liveReads)
	}
}

// A Run may be deleted while a worker is about to create its Job. Until the worker
// has done so nobody else gets the place.
func TestDeletedWhileAWorkerIsAtIt(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
	w.before = func(write string) {
		if write != "create *v1.Job a-j0" {
			return
		}
		w.before = nil
		w.remove(&v1alpha1.Run{ObjectMeta: named("a")})
		if result := w.mustReconcile("b"); result.RequeueAfter == 0 || result.RequeueAfter > time.Second {
			t.Errorf("asks for another look after %s", result.RequeueAfter)
		}
	}
	if _, err := w.reconcile("a"); err == nil {
		t.Error("the status of a deleted Run was recorded")
	}
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": waitsOn})
	if diff := cmp.Diff(map[string]int{"a-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}

// What ends of a deleted Run wakes those that wait for it, and that Run's own look,
// which forgets it.
func TestWhatIsLeftWakes(t *testing.T) {
	t.Parallel()
	w := bereaved(t, true)
	news := run.Vacancies()
	woken := func(e event.TypedUpdateEvent[client.Object]) []string {
		q := &queue{due: map[types.NamespacedName]time.Time{}, now: w.clock.Now}
		if news.Update(e) {
			w.reconciler.Vacated().Update(t.Context(), e, q)
		}
		if news.Delete(event.DeleteEvent{Object: e.ObjectOld}) {
			w.reconciler.Vacated().Delete(t.Context(), event.DeleteEvent{Object: e.ObjectOld}, q)
		}
		var names []string
		for name := range q.due {
			names = append(names, name.Name)
		}
		slices.Sort(names)
		return names
	}
	pod := &corev1.Pod{}
	w.get("a-j0-pod", pod)
	ended := pod.DeepCopy()
	ended.Status.Phase = corev1.PodSucceeded
	if got := woken(event.TypedUpdateEvent[client.Object]{ObjectOld: pod, ObjectNew: ended}); len(got) > 0 {
		t.Errorf("the end of a pod whose Run is there wakes %v", got)
	}
	w.remove(&v1alpha1.Run{ObjectMeta: named("a")})
	if diff := cmp.Diff([]string{"a", "b"}, woken(event.TypedUpdateEvent[client.Object]{ObjectOld: pod, ObjectNew: ended})); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if got := woken(event.TypedUpdateEvent[client.Object]{ObjectOld: ended, ObjectNew: ended}); len(got) > 0 {
		t.Errorf("the deletion of a pod that had ended wakes %v", got)
	}
}

// A Run can't be skipped and then not: the API server is asked whether what the
// cache shows of a deleted Run is still there.
func TestSkippedOnlyForWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		left bool
		want string
	}{
		"its pod is gone": {want: goesOn},
		"its pod is left": {left: true, want: `Cancelled Skipped: skipped: no place for another run of key "main" beside the pods of deleted run a`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := bounded(v1alpha1.ConcurrencySkip, 1)
			w := newWorld(t, p, revision.New(p, 1), started("a", p))
			w.mustReconcile("a")
			w.runPod("a-j0")
			w.remove(&v1alpha1.Run{ObjectMeta: named("a")}, &batchv1.Job{ObjectMeta: named("a-j0")})
			if err := w.live.Create(t.Context(), started("b", p)); err != nil {
				t.Fatal(err)
			}
			w.sync()
			w.restart()
			if !tt.left {
				w.remove(&corev1.Pod{ObjectMeta: named("a-j0-pod")})
			}
			w.mustReconcile("b")
			w.wantSeen(map[string]string{"b": tt.want})
		})
	}
}

// A deleted Run is forgotten though nobody else asks for its lock, but not before
// the API server says that nothing is left of it.
func TestDeletedRunIsForgotten(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p))
	w.mustReconcile("a")
	w.runPod("a-j0")
	e, q := event.DeleteEvent{Object: w.run("a")}, &queue{due: map[types.NamespacedName]time.Time{}, now: w.clock.Now}
	w.remove(&v1alpha1.Run{ObjectMeta: named("a")})
	w.reconciler.Wake().Delete(t.Context(), e, q)
	if key, found := q.pop(); !found || key.Name != "a" {
		t.Errorf("its deletion asks for a look at %q", key.Name)
	}
	w.sync()
	look := func(when string, holders int, reads ...string) {
		t.Helper()
		w.liveReads = nil
		w.mustReconcile("a")
		if got := w.reconciler.Holders(); got != holders {
			t.Errorf("%s: %d are taken for holders, want %d", when, got, holders)
		}
		if diff := cmp.Diff(reads, w.liveReads); diff != "" {
			t.Errorf("%s: live reads (-want +got):\n%s", when, diff)
		}
	}
	look("the cache shows what is left", 1)
	without := w.cache
	for _, obj := range []client.Object{&batchv1.Job{ObjectMeta: named("a-j0")}, &corev1.Pod{ObjectMeta: named("a-j0-pod")}} {
		obj.SetNamespace("ci")
		if err := without.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	look("the cache alone shows nothing", 1, "*v1.JobList", "*v1.PodList")
	w.remove(&batchv1.Job{ObjectMeta: named("a-j0")}, &corev1.Pod{ObjectMeta: named("a-j0-pod")})
	look("nothing is left", 0, "*v1.JobList", "*v1.PodList")
	look("it is forgotten", 0)
}
