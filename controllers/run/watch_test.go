package run

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

// A watch that was closed starts with a list. A Job that was made and has ended
// in between is new to it.
func TestNewsOfAJobThatIsNew(t *testing.T) {
	t.Parallel()
	finished := batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}}
	for name, tt := range map[string]struct {
		status batchv1.JobStatus
		want   bool
	}{
		"own creation":          {},
		"taken up":              {status: batchv1.JobStatus{Active: 1}},
		"ended behind our back": {status: finished, want: true},
	} {
		if got := jobNews().Create(event.CreateEvent{Object: &batchv1.Job{Status: tt.status}}); got != tt.want {
			t.Errorf("%s: news %t, want %t", name, got, tt.want)
		}
	}
}
