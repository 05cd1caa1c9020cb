package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

// A Job has completed and its pod is gone before the controller could see it. Its
// events say whether the program ended by itself, or nothing does.
func TestPodGoneBeforeItWasSeen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		events []string
		want   v1alpha1.RunPhase
	}{
		{name: "it ended by itself", events: []string{"Scheduled", "Started"}, want: v1alpha1.RunSucceeded},
		{name: "it was told to", events: []string{"Scheduled", "Started", "Killing"}, want: v1alpha1.RunFailed},
		{name: "its events are gone, too", want: v1alpha1.RunFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := chain(1)
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.mustReconcile("run")
			job := w.jobs()[0]
			job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Time{Time: w.clock.Now()}}}
			w.updateStatus(&job)
			w.tell(&job, "SuccessfulCreate", "Created pod: run-j0-x7k2p")
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0-x7k2p", UID: "pod-uid"}}
			for _, reason := range tt.events {
				w.tell(pod, reason, "")
			}
			w.restart()
			w.clock.SetTime(w.clock.Now().Add(time.Minute))
			w.mustReconcile("run")
			if got := w.run("run").Status; got.Phase != tt.want {
				t.Errorf("the Run is %s: %+v, want %s", got.Phase, got.Jobs, tt.want)
			}
		})
	}
}

// tell writes an event of the object.
func (w *world) tell(about client.Object, reason, message string) {
	w.t.Helper()
	kind := strings.TrimPrefix(fmt.Sprintf("%T", about), "*v1.")
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: "ci", Name: strings.ToLower(about.GetName() + "." + reason)},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Namespace: "ci", Name: about.GetName(), UID: about.GetUID()},
		Reason:         reason, Message: message, LastTimestamp: metav1.Time{Time: w.clock.Now()},
	}
	if err := w.live.Create(w.t.Context(), event); err != nil {
		w.t.Fatal(err)
	}
}
