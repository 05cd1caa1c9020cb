package run_test

import (
	"context"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func TestCancelKeepsThePod(t *testing.T) {
	t.Parallel()
	p := chain(2)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	job := w.jobs()[0]
	w.kubelet(&job)
	var pod corev1.Pod
	w.get("run-j0-pod", &pod)
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	w.updateStatus(&pod)

	cancelled := w.run("run")
	cancelled.Spec.Cancelled = true
	cancelled.Generation = 2
	if err := w.live.Update(t.Context(), cancelled); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	w.get("run-j0-pod", &pod)
	if ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) != 1 {
		t.Errorf("deadline %v, want 1", pod.Spec.ActiveDeadlineSeconds)
	}
	w.get("run-j0", &job)
	if willEnd(&job) {
		t.Error("the Job was ended while its pod ran: that deletes the pod and its log")
	}
	if got := w.run("run").Status; got.Phase != v1alpha1.RunRunning || got.Conditions[0].Reason != "Cancelling" {
		t.Errorf("status %+v, want Running and Cancelling", got)
	}

	pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "DeadlineExceeded"
	w.updateStatus(&pod)
	w.mustReconcile("run")
	w.get("run-j0", &job)
	if !willEnd(&job) {
		t.Error("the Job may start another pod")
	}
	if got := w.run("run").Status.Phase; got != v1alpha1.RunCancelled {
		t.Errorf("phase %s, want Cancelled", got)
	}
	w.get("run-j0-pod", &pod) // it is still there
	if event := w.event(); !strings.HasPrefix(event, "Normal Cancelled ") {
		t.Errorf("event %q", event)
	}
}

// willEnd reports whether the Job controller is to fail the Job, and so never to
// start another pod. Its suspension is not KayCI's to touch.
func willEnd(job *batchv1.Job) bool {
	return job.Spec.Suspend == nil && ptr.Deref(job.Spec.ActiveDeadlineSeconds, 1) == 0
}

func (w *world) updateStatus(obj client.Object) {
	w.t.Helper()
	if err := w.live.Status().Update(context.Background(), obj); err != nil {
		w.t.Fatal(err)
	}
}
