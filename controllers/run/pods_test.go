package run_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// Of several pods that can't start one has to be the reason, always the same: an
// index hands them out in any order.
func TestOrderOfPodsDoesNotMatter(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a"})
	p.Spec.Jobs[0].Template.Spec.Completions, p.Spec.Jobs[0].Template.Spec.Parallelism = ptr.To[int32](2), ptr.To[int32](2)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	job := w.jobs()[0]
	for name, reason := range map[string]string{"run-a-0": "ImagePullBackOff", "run-a-1": "CreateContainerConfigError"} {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "ci", Name: name, Labels: job.Spec.Template.Labels,
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job.Name, UID: job.UID, Controller: new(true)}},
			},
			Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
				Name: "main", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
			}}},
		}
		if err := w.live.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	for _, backwards := range []bool{false, true, false} {
		w.backwards = backwards
		w.mustReconcile("run")
		if got := w.run("run").Status.Jobs[0].Reason; got != "ImagePullBackOff" {
			t.Errorf("backwards %t: reason %q, want that of the first pod, ImagePullBackOff", backwards, got)
		}
	}
}

// The Job is known to be complete, and for a long time nothing is heard of its
// pod. That it has failed would be recorded for good.
func TestCacheOfPodsIsBehind(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	w.runPod("run-j0")
	job := w.jobs()[0]
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: w.clock.Now()}}}
	w.updateStatus(&job)
	w.sync()
	var pod corev1.Pod
	w.get("run-j0-pod", &pod)
	pod.Status.Phase = corev1.PodSucceeded
	w.updateStatus(&pod)
	result := w.mustReconcile("run")
	if len(w.liveReads) > 0 {
		t.Errorf("read %v before the news can have come", w.liveReads)
	}
	w.clock.SetTime(w.clock.Now().Add(result.RequeueAfter))
	w.mustReconcile("run")
	if got := w.run("run").Status; got.Phase != v1alpha1.RunSucceeded {
		t.Errorf("the Run is %s: %+v", got.Phase, got.Jobs)
	}
}
