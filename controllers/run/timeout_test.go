package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A Run that takes too long is ended by time alone: nothing else may happen. A
// controller that is killed anywhere on the way goes on.
func TestRunTimesOut(t *testing.T) {
	t.Parallel()
	for crash := range 6 {
		p := chain(2)
		p.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		if after := w.mustReconcile("run").RequeueAfter; after <= 0 || after > time.Minute {
			t.Fatalf("looks again after %s, want within the timeout", after)
		}
		job := w.jobs()[0]
		w.kubelet(&job)
		var pod corev1.Pod
		w.get("run-j0-pod", &pod)
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		w.updateStatus(&pod)

		w.mustReconcile("run")
		after := w.mustReconcile("run").RequeueAfter
		w.clock.SetTime(w.clock.Now().Add(after))
		w.crashAt = len(w.writes) + crash
		for range 4 {
			if _, err := w.reconcile("run"); err != nil {
				w.restart()
			}
			w.get("run-j0-pod", &pod)
			if ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) == 1 && pod.Status.Phase != corev1.PodFailed {
				pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "DeadlineExceeded"
				w.updateStatus(&pod)
			}
		}
		got := w.run("run").Status
		if got.Phase != v1alpha1.RunFailed || got.Conditions[0].Reason != "TimedOut" {
			t.Errorf("crash %d: the Run is %s %+v, want Failed TimedOut", crash, got.Phase, got.Conditions)
		}
		var jobs []string
		for _, j := range got.Jobs {
			jobs = append(jobs, j.Name+" "+string(j.Phase)+" "+j.Reason)
		}
		if diff := cmp.Diff([]string{"j0 Cancelled TimedOut", "j1 Cancelled TimedOut"}, jobs); diff != "" {
			t.Errorf("crash %d: jobs (-want +got):\n%s", crash, diff)
		}
		w.get("run-j0", &job)
		if !willEnd(&job) {
			t.Errorf("crash %d: the Job may start another pod", crash)
		}
	}
}
