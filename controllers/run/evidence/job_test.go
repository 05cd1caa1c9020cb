package evidence_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
)

func TestFinished(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   batchv1.JobConditionType
		status corev1.ConditionStatus
		want   bool
	}{
		{},
		{batchv1.JobComplete, corev1.ConditionTrue, true},
		{batchv1.JobFailed, corev1.ConditionTrue, true},
		{batchv1.JobFailed, corev1.ConditionFalse, false},
		{batchv1.JobFailureTarget, corev1.ConditionTrue, false},
		{batchv1.JobSuccessCriteriaMet, corev1.ConditionTrue, false},
	} {
		job := &batchv1.Job{Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: tt.kind, Status: tt.status}}}}
		if got := evidence.Finished(job); got != tt.want {
			t.Errorf("%s=%s: finished %t, want %t", tt.kind, tt.status, got, tt.want)
		}
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	for phase, want := range map[corev1.PodPhase]bool{
		"": false, corev1.PodPending: false, corev1.PodRunning: false, corev1.PodUnknown: false, corev1.PodSucceeded: true, corev1.PodFailed: true,
	} {
		if got := evidence.Ended(&corev1.Pod{Status: corev1.PodStatus{Phase: phase}}); got != want {
			t.Errorf("%q: ended %t, want %t", phase, got, want)
		}
	}
}
