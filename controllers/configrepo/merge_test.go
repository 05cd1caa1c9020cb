package configrepo

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job/defaults"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

func preparedPipeline(t *testing.T, name string) apply.Desired {
	t.Helper()
	p := &v1alpha1.Pipeline{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.PipelineKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name},
		Spec: v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "test", Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "i"}}}},
		}}}}},
	}
	desired, err := apply.Prepare("mine", []render.Object{{Object: p, File: name}})
	if err != nil {
		t.Fatal(err)
	}
	return desired[0]
}

// Only objects that were not there before are merged with the same defaults, and the
// room that all may take is counted as if all were.
func TestMergeOfUnchangedObjectsIsCarried(t *testing.T) {
	t.Parallel()
	template, err := defaults.Parse(map[string]string{"jobTemplate": "metadata: {labels: {queue: a}}"})
	if err != nil {
		t.Fatal(err)
	}
	r := &Reconciler{}
	r.prepare()
	one, two, three := preparedPipeline(t, "one"), preparedPipeline(t, "two"), preparedPipeline(t, "three")
	work := merging{template: template, version: "v1", namespace: "ci", slice: time.Minute, desired: []apply.Desired{one, two}}
	first, err := r.merge(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	work.before = first
	for version, want := range map[string][]bool{"v1": {true, false, true}, "v2": {false, false, false}} {
		work.version, work.desired = version, []apply.Desired{one, three, two}
		second, err := r.merge(t.Context(), work)
		if err != nil {
			t.Fatal(err)
		}
		var carried []bool
		for i, d := range second.desired {
			carried = append(carried, d.Config == first.of[work.desired[i].Config].Config)
			if d.Key != work.desired[i].Key {
				t.Errorf("%s is in the place of %s", d.Key, work.desired[i].Key)
			}
		}
		if diff := cmp.Diff(want, carried); diff != "" {
			t.Errorf("carried with %s (-want +got):\n%s", version, diff)
		}
	}
	work.version = "v1"
	weight := first.of[one.Config].weight
	for room, want := range map[int]string{
		4 * weight: "<nil>",
		// The one that is new is to blame.
		2*weight + 1: `three: Pipeline/three: with the defaults of : takes too much memory: an object may take 16 MiB and all of a commit 64 MiB: let the defaults say less, or split the repository`,
	} {
		r.room = room
		if _, err := r.merge(t.Context(), work); fmt.Sprint(err) != want {
			t.Errorf("with room for %d: got %v, want %s", room, err, want)
		}
	}
}
