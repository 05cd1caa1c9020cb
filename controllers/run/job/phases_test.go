package job_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// What became of the jobs before comes last, where nothing else can pose as it,
// and only to the containers that get the parameters.
func TestAddPhases(t *testing.T) {
	t.Parallel()
	spec := &v1alpha1.Job{Name: "tidy"}
	pod := &spec.Template.Spec.Template
	pod.Annotations = map[string]string{v1alpha1.InjectParamsAnnotation: "main"}
	forged := []corev1.EnvVar{{Name: "KAYCI_FAILED_JOBS", Value: "none"}, {Name: "KAYCI_JOB_BUILD_WEB_PHASE", Value: "Succeeded"}, {Name: "MINE", Value: "1"}}
	pod.Spec.Containers = []corev1.Container{{Name: "main", Env: forged}, {Name: "other"}}
	earlier := []v1alpha1.JobStatus{
		{Name: "build-web", Phase: v1alpha1.JobFailed},
		{Name: "lint", Phase: v1alpha1.JobFailed, FailureAllowed: true},
		{Name: "test", Phase: v1alpha1.JobFailed},
		{Name: "publish", Phase: v1alpha1.JobSkipped},
	}
	for phase, want := range map[v1alpha1.RunPhase][]corev1.EnvVar{"": nil, v1alpha1.RunCancelled: {{Name: "KAYCI_RUN_PHASE", Value: "Cancelled"}}} {
		built := job.Build(run(), 12, &v1alpha1.PipelineSpec{}, spec)
		job.AddPhases(built, earlier, phase)
		want = append([]corev1.EnvVar{
			{Name: "MINE", Value: "1"},
			{Name: "KAYCI_JOB", Value: "tidy"},
			{Name: "KAYCI_JOB_BUILD_WEB_PHASE", Value: "Failed"},
			{Name: "KAYCI_JOB_LINT_PHASE", Value: "Failed"},
			{Name: "KAYCI_JOB_TEST_PHASE", Value: "Failed"},
			{Name: "KAYCI_JOB_PUBLISH_PHASE", Value: "Skipped"},
			{Name: "KAYCI_FAILED_JOBS", Value: "build-web,test"},
		}, want...)
		containers := built.Spec.Template.Spec.Containers
		if diff := cmp.Diff(want, containers[0].Env); diff != "" {
			t.Errorf("variables (-want +got):\n%s", diff)
		}
		if len(containers[1].Env) > 0 {
			t.Errorf("a container that gets no parameters has %v", containers[1].Env)
		}
	}
}
