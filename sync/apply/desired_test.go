package apply_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

func pipeline(change func(*v1alpha1.Pipeline)) *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{
		TypeMeta: metav1.TypeMeta{APIVersion: "kayci.dev/v1alpha1", Kind: v1alpha1.PipelineKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: "web",
			Labels:      map[string]string{"team": "web", v1alpha1.ConfigRepoLabel: "forged"},
			Annotations: map[string]string{"note": "1"},
		},
		Spec: v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{
			Name:    "test",
			Timeout: &metav1.Duration{Duration: 90 * time.Second},
			Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: "main", Image: "busybox"}},
				Volumes:    []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
			}}}},
		}}},
	}
	if change != nil {
		change(p)
	}
	return p
}

func prepare(t *testing.T, p *v1alpha1.Pipeline) apply.Desired {
	t.Helper()
	got, err := apply.Prepare("mine", []render.Object{{Object: p, File: "ci/web.jsonnet"}})
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func TestPrepare(t *testing.T) {
	got := prepare(t, pipeline(func(p *v1alpha1.Pipeline) {
		p.Status.Revision = "not ours to set"
		p.Finalizers = []string{"example.com/never"}
	}))
	want := map[string]any{
		"apiVersion": "kayci.dev/v1alpha1",
		"kind":       "Pipeline",
		"metadata": map[string]any{
			"namespace":   "ci",
			"name":        "web",
			"labels":      map[string]any{"team": "web", "kayci.dev/configrepo": "mine"},
			"annotations": map[string]any{"note": "1"},
		},
		"spec": map[string]any{"jobs": []any{map[string]any{
			"name":    "test",
			"timeout": "1m30s",
			"template": map[string]any{
				"metadata": map[string]any{},
				"spec": map[string]any{"template": map[string]any{
					"metadata": map[string]any{},
					"spec": map[string]any{
						"containers": []any{map[string]any{"name": "main", "image": "busybox", "resources": map[string]any{}}},
						"volumes":    []any{map[string]any{"name": "tmp", "emptyDir": map[string]any{}}},
					},
				}},
			},
		}}},
	}
	if diff := cmp.Diff(want, got.Config.Object); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestDigestFollowsContent(t *testing.T) {
	base := prepare(t, pipeline(nil)).Digest
	if again := prepare(t, pipeline(nil)).Digest; again != base {
		t.Errorf("digest of the same object = %s, then %s", base, again)
	}
	for name, change := range map[string]func(*v1alpha1.Pipeline){
		"label":      func(p *v1alpha1.Pipeline) { p.Labels["team"] = "db" },
		"annotation": func(p *v1alpha1.Pipeline) { p.Annotations["note"] = "2" },
		"spec":       func(p *v1alpha1.Pipeline) { p.Spec.Jobs[0].Name = "build" },
	} {
		if got := prepare(t, pipeline(change)).Digest; got == base {
			t.Errorf("another %s has the same digest", name)
		}
	}
	if got := prepare(t, pipeline(func(p *v1alpha1.Pipeline) { p.Status.Revision = "r" })).Digest; got != base {
		t.Error("the status is part of the digest")
	}
}
