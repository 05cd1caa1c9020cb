package job_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// A field of a template is at the same path in what is made from it.
func TestSamples(t *testing.T) {
	t.Parallel()
	template := batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
		PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{Action: batchv1.PodFailurePolicyActionFailJob}}},
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{{Name: "own"}},
			Containers: []corev1.Container{
				{Name: "a"},
				{Name: "main", Env: []corev1.EnvVar{{Name: "X"}}, VolumeMounts: []corev1.VolumeMount{{Name: "own"}}, EnvFrom: []corev1.EnvFromSource{{Prefix: "own"}}},
			},
		}},
	}}
	pipeline := &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"},
		Spec: v1alpha1.PipelineSpec{
			Jobs:      []v1alpha1.Job{{Name: "test", Template: template}, {Name: "lint", Template: template}},
			Services:  []v1alpha1.Service{{Name: "db", Template: template, Ports: []v1alpha1.ServicePort{{Port: 80}}}},
			Notifiers: []v1alpha1.Notifier{{Name: "chat", Phases: []v1alpha1.RunPhase{v1alpha1.RunQueued, v1alpha1.RunFailed}, Template: template}, {Name: "none", Template: template}},
			Workspace: &v1alpha1.Workspace{MountPath: "/workspace"},
		},
	}
	want := []string{
		"spec.jobs[0].template: *v1.Job ci/rehearsal-test", "spec.jobs[1].template: *v1.Job ci/rehearsal-lint",
		"spec.services[0].template: *v1.Job ci/rehearsal-db", "spec.notifiers[0].template: *v1.Job ci/rehearsal-chat-queued",
		"spec.workspace.volumeClaimTemplate: *v1.PersistentVolumeClaim ci/rehearsal-workspace",
	}
	var got []string
	for _, s := range job.Samples(pipeline) {
		got = append(got, fmt.Sprintf("%s: %T %s/%s", s.Template, s.Object, s.Object.GetNamespace(), s.Object.GetName()))
		built, ok := s.Object.(*batchv1.Job)
		if !ok {
			continue
		}
		pod, main := built.Spec.Template.Spec, built.Spec.Template.Spec.Containers[1]
		if main.Name != "main" || main.Env[0].Name != "X" || main.VolumeMounts[0].Name != "own" || main.EnvFrom[0].Prefix != "own" ||
			pod.Volumes[0].Name != "own" || built.Spec.PodFailurePolicy.Rules[0].Action != batchv1.PodFailurePolicyActionFailJob {
			t.Errorf("%s: what the template has isn't first in %+v", s.Template, built.Spec)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
