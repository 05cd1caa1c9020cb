package lean_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/controllers/lean"
)

func failedJob() *batchv1.Job {
	job := finishedJob(0, 1)
	job.Status.Conditions[0].Type, job.Status.Conditions[1].Type = batchv1.JobFailureTarget, batchv1.JobFailed
	job.Spec.SuccessPolicy, job.DeletionTimestamp = &batchv1.SuccessPolicy{}, new(at(1, 0))
	return job
}

func failedPod() *corev1.Pod {
	pod := finishedPod(0, 1)
	pod.Status.Phase, pod.Status.Reason, pod.Status.Message = corev1.PodFailed, "Evicted", "The node was low on resource: memory."
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: "True", Reason: "EvictionByEvictionAPI", LastTransitionTime: at(0, 5)})
	pod.Status.EphemeralContainerStatuses = make([]corev1.ContainerStatus, 2)
	return pod
}

// What has ended is kept as bytes, and seen as it was.
func TestPack(t *testing.T) {
	t.Parallel()
	job := func(change func(*batchv1.Job)) func() any {
		return func() any {
			job := finishedJob(0, 0)
			change(job)
			return keep(t, &lean.Cache{}, job)
		}
	}
	phase := func(phase corev1.PodPhase) func() any {
		return func() any {
			pod := finishedPod(0, 0)
			pod.Status.Phase = phase
			return keep(t, &lean.Cache{}, pod)
		}
	}
	for name, tt := range map[string]struct {
		make   func() any
		packed bool
	}{
		"a Job that is complete":   {job(func(*batchv1.Job) {}), true},
		"a Job that has failed":    {func() any { return keep(t, &lean.Cache{}, failedJob()) }, true},
		"a Job that runs":          {job(func(j *batchv1.Job) { j.Status.Conditions = nil }), false},
		"a Job whose pods end":     {job(func(j *batchv1.Job) { j.Status.Conditions = j.Status.Conditions[:1] }), false},
		"a Job that isn't so":      {job(func(j *batchv1.Job) { j.Status.Conditions[1].Status = "False" }), false},
		"a pod that has succeeded": {phase(corev1.PodSucceeded), true},
		"a pod that was evicted":   {func() any { return keep(t, &lean.Cache{}, failedPod()) }, true},
		"a pod that runs":          {phase(corev1.PodRunning), false},
		"a pod of no phase":        {phase(""), false},
		"a Run":                    {func() any { return finishedRun(0) }, false},
		"nothing":                  {func() any { return nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packed := lean.Pack(tt.make())
			if is := fmt.Sprintf("%T", packed) != fmt.Sprintf("%T", tt.make()); is != tt.packed {
				t.Fatalf("kept as %T, packed: want %t", packed, tt.packed)
			}
			if again := lean.Pack(packed); again != packed {
				t.Errorf("packed twice it is a %T", again)
			}
			for _, when := range []string{"at once", "after a collection of garbage"} {
				if diff := cmp.Diff(tt.make(), lean.Whole(packed)); diff != "" {
					t.Errorf("%s (-as it was +as it is seen):\n%s", when, diff)
				}
				runtime.GC()
			}
		})
	}
}

// A cache asks an object for its key, and for its version.
func TestPackedMeta(t *testing.T) {
	t.Parallel()
	job := finishedJob(0, 0)
	got, err := meta.Accessor(lean.Pack(finishedJob(0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	want := &metav1.ObjectMeta{Namespace: job.Namespace, Name: job.Name, ResourceVersion: job.ResourceVersion}
	if diff := cmp.Diff(metav1.Object(want), got); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
}
