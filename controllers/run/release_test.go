package run_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// finish has the Job's one pod end well, and the Job with it.
func (w *world) finish(name string) {
	w.t.Helper()
	job := &batchv1.Job{}
	w.get(name, job)
	w.kubelet(job)
	pod := &corev1.Pod{}
	w.get(name+"-pod", pod)
	pod.Status.Phase = corev1.PodSucceeded
	w.updateStatus(pod)
	w.get(name, job)
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	w.updateStatus(job)
}

// A Run that waits for an approval alone lets another run, and takes its turn again
// once it is approved, wherever the controller is killed. Only one of them has
// something that runs at a time.
func TestApprovalFreesThePlace(t *testing.T) {
	t.Parallel()
	for crash := range 6 {
		t.Run(fmt.Sprintf("killed after each %d writes", crash), func(t *testing.T) {
			t.Parallel()
			p := bounded(v1alpha1.ConcurrencyQueue, 1)
			p.Spec.Jobs = pipeline(v1alpha1.Job{Name: "test"}, v1alpha1.Job{Name: "deploy", Needs: []string{"test"}, Approval: &v1alpha1.JobApproval{}}).Spec.Jobs
			w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
			look := func(names ...string) {
				t.Helper()
				for _, name := range names {
					if crash > 0 {
						w.crashAt = len(w.writes) + crash
					}
					w.insist(name)
				}
			}
			look("a", "b")
			w.wantSeen(map[string]string{"b": `Queued Queued: position 1 of key "main"; waits for a`})
			w.finish("a-test")
			look("a", "b")
			if got := w.run("a").Status.Concurrency; !got.Released || got.Admitted {
				t.Fatalf("a has the place %+v", got)
			}
			w.wantSeen(map[string]string{
				"a": `Running Running: 1 of 2 jobs succeeded; deploy: AwaitingApproval: to approve: kubectl patch run a -n ci --type=merge -p '{"spec":{"approvals":[{"job":"deploy"}]}}'`,
				"b": "Running Running: 0 of 2 jobs succeeded; running: test",
			})
			run := w.run("a")
			run.Spec.Approvals = []v1alpha1.Approval{{Job: "deploy"}}
			if err := w.live.Update(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			look("a", "b")
			w.wantSeen(map[string]string{"a": `Running Queued: 1 of 2 jobs succeeded; position 1 of key "main"; waits for b`})
			w.finish("b-test")
			look("b", "a")
			w.wantSeen(map[string]string{"a": "Running Running: 1 of 2 jobs succeeded; running: deploy"})
			if diff := cmp.Diff(&v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true}, w.run("a").Status.Concurrency); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]int{"a-test": 1, "b-test": 1, "a-deploy": 1}, w.created); diff != "" {
				t.Errorf("Jobs (-want +got):\n%s", diff)
			}
		})
	}
}

// A Run that the cache shows as it was before it gave its place back has none.
func TestCacheIsBehindAboutARelease(t *testing.T) {
	t.Parallel()
	p := bounded(v1alpha1.ConcurrencyQueue, 1)
	p.Spec.Jobs = pipeline(v1alpha1.Job{Name: "test"}, v1alpha1.Job{Name: "deploy", Approval: &v1alpha1.JobApproval{}}).Spec.Jobs
	w := newWorld(t, p, revision.New(p, 1), started("a", p), started("b", p))
	w.insist("a")
	w.sync()
	before := w.cache
	w.cache = nil
	w.finish("a-test")
	w.insist("a")
	w.insist("b")
	w.cache = before
	w.restart()
	w.liveReads = nil
	if result := w.mustReconcile("a"); result.RequeueAfter == 0 {
		t.Error("a looks no more")
	}
	if diff := cmp.Diff([]string{"*v1alpha1.RunList"}, w.liveReads); diff != "" {
		t.Errorf("live reads (-want +got):\n%s", diff)
	}
	if got := w.run("a").Status.Concurrency; !got.Released {
		t.Errorf("a has the place %+v", got)
	}
}
