package plan_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
)

// Only of a Job that is complete and has no pod left are events asked, and not
// before its pod's news should have come.
func TestUnwitnessed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		verdict batchv1.JobConditionType
		at      int
		pod     bool
		want    bool
	}{
		{name: "complete, its pod gone", verdict: batchv1.JobComplete, at: 80, want: true},
		{name: "complete just now", verdict: batchv1.JobComplete, at: 99},
		{name: "complete, and a pod is there", verdict: batchv1.JobComplete, at: 80, pod: true},
		{name: "failed", verdict: batchv1.JobFailed, at: 80},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", verdict(tt.verdict, "", "", tt.at))
			if tt.pod {
				withPod(f, "a", "pod")
			}
			if _, got := f.Unwitnessed()["a"]; got != tt.want {
				t.Errorf("asked for %t, want %t", got, tt.want)
			}
		})
	}
}
