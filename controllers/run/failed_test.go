package run_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A Run that has started can lose what it is made of: somebody deletes its
// revision. Its pods must not go on for a Run that has failed.
func TestRevisionDeletedWhileThePodRuns(t *testing.T) {
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
	var rev appsv1.ControllerRevision
	w.get(revision.Name(p), &rev)
	if err := w.live.Delete(t.Context(), &rev); err != nil {
		t.Fatal(err)
	}

	w.mustReconcile("run")
	got := w.run("run").Status
	if got.Phase != v1alpha1.RunFailed || got.Conditions[0].Reason != "RevisionNotFound" {
		t.Errorf("status %+v, want Failed RevisionNotFound", got)
	}
	for _, job := range got.Jobs {
		if job.Phase != v1alpha1.JobCancelled || job.Reason != "RevisionNotFound" {
			t.Errorf("job %+v, want Cancelled RevisionNotFound: it has not failed by itself", job)
		}
	}
	w.get("run-j0-pod", &pod)
	if ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) != 1 {
		t.Errorf("deadline %v, want 1", pod.Spec.ActiveDeadlineSeconds)
	}
	w.get("run-j0", &job)
	if willEnd(&job) {
		t.Error("the Job was ended while its pod ran: that deletes the pod and its log")
	}

	pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "DeadlineExceeded"
	w.updateStatus(&pod)
	w.mustReconcile("run")
	w.get("run-j0", &job)
	if !willEnd(&job) {
		t.Error("the Job may start another pod")
	}
	if after := w.run("run").Status.Phase; after != v1alpha1.RunFailed {
		t.Errorf("the Run is %s now", after)
	}
}
