package view

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func second(n int) time.Time { return time.Date(2026, 3, 1, 12, 0, n, 0, time.UTC) }

func stamp(n int) *metav1.Time {
	if n == 0 {
		return nil
	}
	return &metav1.Time{Time: second(n)}
}

// jobAt has these times, in seconds; 0: none.
func jobAt(phase v1alpha1.JobPhase, queued, scheduled, started, ended int) v1alpha1.JobStatus {
	return v1alpha1.JobStatus{Phase: phase, QueuedTime: stamp(queued), ScheduledTime: stamp(scheduled), StartTime: stamp(started), CompletionTime: stamp(ended)}
}

func podAt(made, scheduled, started int) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: *stamp(made)}}
	if scheduled > 0 {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: *stamp(scheduled)}}
	}
	if started > 0 {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *stamp(started)}}}}
	}
	return pod
}

func failed(pod corev1.Pod) corev1.Pod {
	pod.Status.Phase = corev1.PodFailed
	return pod
}

// TestTimes is looked at in second 50.
func TestTimes(t *testing.T) {
	t.Parallel()
	span := func(from, to int) Span { return Span{second(from), second(to)} }
	running := v1alpha1.JobRunning
	for name, tt := range map[string]struct {
		job  v1alpha1.JobStatus
		pods []corev1.Pod
		want Times
		took time.Duration
	}{
		"not due":               {job: jobAt(v1alpha1.JobWaiting, 0, 0, 0, 0)},
		"waits for quota":       {jobAt(v1alpha1.JobWaiting, 10, 0, 0, 0), nil, Times{Queued: span(10, 50)}, 40 * time.Second},
		"waits for a node":      {jobAt(running, 10, 0, 0, 0), []corev1.Pod{podAt(11, 0, 0)}, Times{Queued: span(10, 50)}, 40 * time.Second},
		"pulls, says its pod":   {jobAt(running, 10, 0, 0, 0), []corev1.Pod{podAt(11, 12, 0)}, Times{Queued: span(10, 12), Pulling: span(12, 50)}, 40 * time.Second},
		"runs, says its pod":    {jobAt(running, 10, 12, 0, 0), []corev1.Pod{podAt(11, 12, 15)}, Times{span(10, 12), span(12, 15), span(15, 50)}, 40 * time.Second},
		"runs":                  {jobAt(running, 10, 12, 15, 0), nil, Times{span(10, 12), span(12, 15), span(15, 50)}, 40 * time.Second},
		"another attempt waits": {jobAt(running, 10, 12, 15, 0), []corev1.Pod{failed(podAt(11, 12, 15)), podAt(30, 0, 0)}, Times{Queued: span(10, 50)}, 40 * time.Second},
		"several pods":          {jobAt(running, 10, 12, 15, 0), []corev1.Pod{podAt(11, 12, 15), podAt(11, 40, 0)}, Times{span(10, 12), span(12, 15), span(15, 50)}, 40 * time.Second},
		"has ended":             {jobAt(v1alpha1.JobFailed, 10, 12, 15, 45), nil, Times{span(10, 12), span(12, 15), span(15, 45)}, 35 * time.Second},
		"never started":         {jobAt(v1alpha1.JobFailed, 10, 12, 0, 45), nil, Times{Queued: span(10, 12), Pulling: span(12, 45)}, 35 * time.Second},
		"clocks differ":         {jobAt(v1alpha1.JobFailed, 10, 12, 11, 9), nil, Times{span(10, 12), span(12, 12), span(11, 11)}, 2 * time.Second},
		"of an older version":   {jobAt(v1alpha1.JobSucceeded, 0, 0, 10, 45), nil, Times{Running: span(10, 45)}, 35 * time.Second},
	} {
		got := timesOf(&tt.job, tt.pods, second(50))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if took := got.Took(); took != tt.took {
			t.Errorf("%s: took %s, want %s", name, took, tt.took)
		}
	}
}
