package job_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// Outputs come behind everything else, as data, and to the containers that get
// the parameters alone.
func TestAddOutputs(t *testing.T) {
	t.Parallel()
	spec := v1alpha1.Job{Name: "deploy"}
	spec.Template.Spec.Template.Annotations = map[string]string{v1alpha1.InjectParamsAnnotation: "init, main"}
	pod := &spec.Template.Spec.Template.Spec
	pod.InitContainers = []corev1.Container{{Name: "init", Image: "busybox:1"}}
	pod.Containers = []corev1.Container{
		{Name: "main", Image: "busybox:1", Env: []corev1.EnvVar{{Name: "KAYCI_OUTPUT_BUILD_WEB_VERSION", Value: "posed"}, {Name: "MINE", Value: "kept"}}},
		{Name: "other", Image: "busybox:1"},
	}
	built := job.Build(run(), 12, &v1alpha1.PipelineSpec{}, &spec)
	job.AddOutputs(built, []job.Outputs{
		{Job: "build-web", Values: map[string]string{"version": "1.4", "Digest": "$(HOME) $$(X)\n\"é\""}},
		{Job: "build", Values: map[string]string{"web_version": "the later one counts"}},
	})
	golden(t, "testdata/outputs.golden.yaml", built)
}

func TestNoOutputs(t *testing.T) {
	t.Parallel()
	var spec v1alpha1.Job
	read(t, "testdata/minimal.job.yaml", &spec)
	built := job.Build(run(), 12, &v1alpha1.PipelineSpec{}, &spec)
	job.AddOutputs(built, nil)
	golden(t, "testdata/minimal.golden.yaml", built)
}
