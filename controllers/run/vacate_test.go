package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// outlived is a world in which the Run a has failed with its node, where its pod
// still runs, and b has had the place since.
func outlived(t *testing.T, policy v1alpha1.ConcurrencyPolicy) *world {
	t.Helper()
	p := bounded(policy, 1)
	w := newWorld(t, p, revision.New(p, 1), started("a", p))
	w.mustReconcile("a")
	w.runPod("a-j0")
	pod := &corev1.Pod{}
	w.change("a-j0-pod", pod, func() { pod.Spec.ActiveDeadlineSeconds = new(int64(60)) })
	w.pass(time.Hour)
	w.mustReconcile("a")
	w.arrives("b", policy)
	w.endJobs("b")
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": "Succeeded Succeeded: 1 of 1 jobs succeeded"})
	if got := w.run("a").Status.Phase; got != v1alpha1.RunFailed {
		t.Errorf("a is %s", got)
	}
	return w
}

func (w *world) pass(d time.Duration) { w.clock.SetTime(w.clock.Now().Add(d)) }

// arrives makes a Run and has a look at it.
func (w *world) arrives(name string, policy v1alpha1.ConcurrencyPolicy) {
	w.t.Helper()
	if err := w.live.Create(w.t.Context(), started(name, bounded(policy, 1))); err != nil {
		w.t.Fatal(err)
	}
	w.mustReconcile(name)
}

// A Run that has ended has no place, and gets none by being deleted, though its pod
// still runs.
func TestDeletionOfFinishedRunTakesNoPlace(t *testing.T) {
	t.Parallel()
	for _, policy := range []v1alpha1.ConcurrencyPolicy{v1alpha1.ConcurrencyQueue, v1alpha1.ConcurrencySkip} {
		for name, remove := range map[string]func(w *world){
			"its Job with it": func(w *world) {
				w.remove(&v1alpha1.Run{ObjectMeta: named("a")}, &batchv1.Job{ObjectMeta: named("a-j0")})
			},
			"itself": func(w *world) { w.remove(&v1alpha1.Run{ObjectMeta: named("a")}) },
			"in the foreground": func(w *world) {
				a := &v1alpha1.Run{}
				w.change("a", a, func() { a.Finalizers = []string{"example.com/held"} })
				w.remove(&v1alpha1.Run{ObjectMeta: named("a")})
			},
		} {
			t.Run(string(policy)+", "+name, func(t *testing.T) {
				t.Parallel()
				w := outlived(t, policy)
				w.pass(w.mustReconcile("a").RequeueAfter)
				w.mustReconcile("a")
				remove(w)
				w.arrives("c", policy)
				w.wantSeen(map[string]string{"c": goesOn})
			})
		}
	}
}

// What is left of a Run that has ended is written once, and only if it doesn't end
// in its time.
func TestVacating(t *testing.T) {
	t.Parallel()
	const pod, job = "patch *v1.Pod a-j0-pod", "patch *v1.Job a-j0"
	end := func(w *world) { w.endPod("a-j0-pod") }
	verdict := func(w *world) {
		job := &batchv1.Job{}
		w.get("a-j0", job)
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
		w.updateStatus(job)
	}
	for name, tt := range map[string]struct {
		meanwhile []func(*world)
		want      []string
	}{
		"both go on":                {want: []string{job, pod}},
		"the pod has ended":         {meanwhile: []func(*world){end}, want: []string{job}},
		"the Job is gone":           {meanwhile: []func(*world){func(w *world) { w.remove(&batchv1.Job{ObjectMeta: named("a-j0")}) }}, want: []string{pod}},
		"both have ended":           {meanwhile: []func(*world){end, verdict}},
		"a pod of a later namesake": {meanwhile: []func(*world){end, verdict, namesake}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := outlived(t, v1alpha1.ConcurrencyQueue)
			w.mustReconcile("a")
			for _, step := range tt.meanwhile {
				step(w)
			}
			w.writes = nil
			w.pass(time.Hour)
			for range 2 {
				if after := w.mustReconcile("a").RequeueAfter; after > 0 {
					t.Errorf("asks for another look after %s", after)
				}
			}
			if diff := cmp.Diff(tt.want, w.writes); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

// namesake adds a pod of another Run that was called a.
func namesake(w *world) {
	w.t.Helper()
	pod := &corev1.Pod{}
	w.get("a-j0-pod", pod)
	pod.Name, pod.UID, pod.ResourceVersion, pod.Status = "earlier", "earlier", "", corev1.PodStatus{Phase: corev1.PodRunning}
	pod.Labels[v1alpha1.RunUIDLabel] = "earlier"
	if err := w.live.Create(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
}
