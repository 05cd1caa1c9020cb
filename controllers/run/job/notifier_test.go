package job_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// The status stands inline and is data, whatever a program has put into it.
func TestBuildNotifier(t *testing.T) {
	t.Parallel()
	var spec v1alpha1.Notifier
	read(t, "testdata/notifier.yaml", &spec)
	given := spec.DeepCopy()
	status := &v1alpha1.RunStatus{
		Phase: v1alpha1.RunFailed,
		Conditions: []metav1.Condition{{
			Type: v1alpha1.SucceededCondition, Message: "job a failed: $(HOME) \"$$\"\n",
		}},
		Jobs: []v1alpha1.JobStatus{
			{Name: "a", Phase: v1alpha1.JobFailed},
			{Name: "b", Phase: v1alpha1.JobSucceeded},
			{Name: "c", Phase: v1alpha1.JobFailed},
			{Name: "d", Phase: v1alpha1.JobFailed, FailureAllowed: true},
		},
	}
	golden(t, "testdata/notifier.golden.yaml", job.BuildNotifier(run(), 12, &spec, status))
	if diff := cmp.Diff(given, &spec); diff != "" {
		t.Errorf("the template was changed (-before +after):\n%s", diff)
	}
}

func TestNotifierDeadlines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		pod, job *int64
		wantPod  int64
		wantJob  int64
	}{
		{name: "neither", wantPod: 600, wantJob: 1800},
		{name: "the pod's", pod: ptr.To[int64](30), wantPod: 30, wantJob: 1230},
		{name: "the Job's", job: ptr.To[int64](90), wantPod: 600, wantJob: 90},
		{name: "both", pod: ptr.To[int64](7), job: ptr.To[int64](8), wantPod: 7, wantJob: 8},
	} {
		spec := v1alpha1.Notifier{Name: "chat"}
		spec.Template.Spec.ActiveDeadlineSeconds = tt.job
		spec.Template.Spec.Template.Spec.ActiveDeadlineSeconds = tt.pod
		built := job.BuildNotifier(run(), 1, &spec, &v1alpha1.RunStatus{Phase: v1alpha1.RunRunning}).Spec
		if pod, all := *built.Template.Spec.ActiveDeadlineSeconds, *built.ActiveDeadlineSeconds; pod != tt.wantPod || all != tt.wantJob {
			t.Errorf("%s: pod %d, Job %d; want %d and %d", tt.name, pod, all, tt.wantPod, tt.wantJob)
		}
	}
}
