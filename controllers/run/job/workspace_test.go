package job_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

func TestWorkspace(t *testing.T) {
	t.Parallel()
	var pipeline v1alpha1.PipelineSpec
	read(t, "testdata/workspace.pipeline.yaml", &pipeline)
	given := pipeline.DeepCopy()
	golden(t, "testdata/claim.golden.yaml", job.Workspace(run(), pipeline.Workspace))
	if diff := cmp.Diff(given, &pipeline); diff != "" {
		t.Errorf("the template was changed (-before +after):\n%s", diff)
	}
}

// Pods are kept on one node only if the volume can't be on several, and if
// there can be several pods.
func TestWorkspaceAccessModes(t *testing.T) {
	t.Parallel()
	type modes = []corev1.PersistentVolumeAccessMode
	for _, tt := range []struct {
		name  string
		modes modes
		want  bool
	}{
		{name: "default", want: true},
		{name: "once", modes: modes{corev1.ReadWriteOnce}, want: true},
		{name: "once to write, many to read", modes: modes{corev1.ReadWriteOnce, corev1.ReadOnlyMany}, want: true},
		{name: "many", modes: modes{corev1.ReadWriteMany}},
		{name: "both", modes: modes{corev1.ReadWriteOnce, corev1.ReadWriteMany}},
		{name: "one pod", modes: modes{corev1.ReadWriteOncePod}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pipeline := &v1alpha1.PipelineSpec{Workspace: &v1alpha1.Workspace{MountPath: "/src"}}
			pipeline.Workspace.VolumeClaimTemplate.Spec.AccessModes = tt.modes
			spec := &v1alpha1.Job{Name: "a"}
			spec.Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main"}}
			got := job.Build(run(), 1, pipeline, spec).Spec.Template.Spec.Affinity != nil
			if got != tt.want {
				t.Errorf("kept together: %t, want %t", got, tt.want)
			}
		})
	}
}
