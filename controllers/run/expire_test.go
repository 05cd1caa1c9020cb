package run_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// pullFails makes a pod for the Run's only Job whose image can't be had.
func (w *world) pullFails() {
	w.t.Helper()
	job := w.jobs()[0]
	w.kubelet(&job)
	var pod corev1.Pod
	w.get(job.Name+"-pod", &pod)
	pod.Status.Phase = corev1.PodPending
	pod.Status.ContainerStatuses[0].Image = "example.com/app:1"
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}}
	w.updateStatus(&pod)
}

// A job whose pod can't start fails with the reason that was shown, wherever the
// controller is killed: once its pod is stopped, nothing else knows it.
func TestPendingTooLong(t *testing.T) {
	t.Parallel()
	const reason = "container main: can't pull image example.com/app:1: not found"
	for crash := range 5 {
		p := chain(1)
		p.Spec.PendingTimeout = &metav1.Duration{Duration: 15 * time.Minute}
		p.Spec.Jobs[0].Template.Spec.BackoffLimit = new(int32(3))
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.mustReconcile("run")
		w.pullFails()
		after := w.mustReconcile("run").RequeueAfter
		if j := w.run("run").Status.Jobs[0]; j.Reason != "ImagePullBackOff" || j.Message != reason || j.WaitingSince == nil {
			t.Errorf("while it waits the job says %+v, want ImagePullBackOff: %s", j, reason)
		}

		w.clock.SetTime(w.clock.Now().Add(after))
		w.crashAt = len(w.writes) + crash
		var pod corev1.Pod
		for range 5 {
			if _, err := w.reconcile("run"); err != nil {
				w.restart()
			}
			w.get("run-j0-pod", &pod)
			if ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) == 1 && pod.Status.Phase == corev1.PodPending {
				pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "DeadlineExceeded"
				w.updateStatus(&pod)
			}
		}
		got := w.run("run").Status
		want := "job j0 failed: ImagePullBackOff: " + reason + " (pending for 15m); 0 of 1 jobs succeeded"
		if got.Phase != v1alpha1.RunFailed || got.Conditions[0].Message != want {
			t.Errorf("crash %d: the Run is %s: %s, want Failed: %s", crash, got.Phase, got.Conditions[0].Message, want)
		}
		job := w.jobs()[0]
		if pod.Status.Phase != corev1.PodFailed || !willEnd(&job) {
			t.Errorf("crash %d: the pod is %s, the Job %+v; want Failed and about to", crash, pod.Status.Phase, job.Spec)
		}
		before := len(w.writes)
		if w.mustReconcile("run"); len(w.writes) > before {
			t.Errorf("crash %d: afterwards wrote %v", crash, w.writes[before:])
		}
	}
}

// A job that there is never room for fails as well.
func TestNoRoomForTooLong(t *testing.T) {
	t.Parallel()
	p := chain(1)
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 10 * time.Minute}
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	full := errors.New("exceeded quota: " + strings.Repeat("x", 1000))
	w.deny["create *v1.Job run-j0"] = apierrors.NewForbidden(jobResource(), "run-j0", full)
	looks := 0
	for result := w.mustReconcile("run"); result.RequeueAfter > 0 && looks < 100; result = w.mustReconcile("run") {
		looks++
		w.clock.SetTime(w.clock.Now().Add(result.RequeueAfter))
	}
	got := w.run("run").Status
	if j := got.Jobs[0]; got.Phase != v1alpha1.RunFailed || j.Reason != "QuotaExceeded" || len(j.Message) > 600 || !strings.HasSuffix(j.Message, " (pending for 10m)") {
		t.Errorf("after %d more looks the Run is %s and its job %+v, want Failed QuotaExceeded and the time", looks, got.Phase, j)
	}
	if want := 40; looks != want {
		t.Errorf("took %d more looks in ten minutes, want %d", looks, want)
	}
}
