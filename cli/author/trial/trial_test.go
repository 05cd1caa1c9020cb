package trial

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestOf(t *testing.T) {
	t.Parallel()
	kind := metav1.TypeMeta{APIVersion: "kayci.dev/v1alpha1", Kind: "Pipeline"}
	jobs := []v1alpha1.Job{{Name: "test"}}
	notifiers := []v1alpha1.Notifier{{Name: "chat"}}
	trial := func(edit func(*v1alpha1.PipelineSpec)) *v1alpha1.Pipeline {
		p := &v1alpha1.Pipeline{
			TypeMeta:   kind,
			ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-try-x7k2p", Labels: map[string]string{"kayci.dev/try": "web"}},
			Spec:       v1alpha1.PipelineSpec{Jobs: jobs},
		}
		if edit != nil {
			edit(&p.Spec)
		}
		return p
	}
	tests := map[string]struct {
		spec    v1alpha1.PipelineSpec
		notify  bool
		want    *v1alpha1.Pipeline
		leftOut []string
	}{
		"plain": {spec: v1alpha1.PipelineSpec{Jobs: jobs}, want: trial(nil)},
		"what others would notice": {
			spec: v1alpha1.PipelineSpec{Jobs: jobs, Notifiers: notifiers, Concurrency: &v1alpha1.Concurrency{Group: "deploy"}},
			want: trial(nil),
			leftOut: []string{
				"its notifiers tell nobody: --notify has them do",
				"it waits for no other Runs, and none wait for it: its concurrency is left out",
			},
		},
		"notifiers that are asked for": {
			spec: v1alpha1.PipelineSpec{Jobs: jobs, Notifiers: notifiers}, notify: true,
			want: trial(func(s *v1alpha1.PipelineSpec) { s.Notifiers = notifiers }),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pipeline := &v1alpha1.Pipeline{
				TypeMeta: kind,
				ObjectMeta: metav1.ObjectMeta{
					Namespace: "ci", Name: "web", UID: types.UID("u"), ResourceVersion: "7", Finalizers: []string{"f"},
					Labels:          map[string]string{v1alpha1.ConfigRepoLabel: "pipelines", "team": "a"},
					Annotations:     map[string]string{"a": "b"},
					OwnerReferences: []metav1.OwnerReference{{Name: "x"}},
				},
				Spec: test.spec, Status: v1alpha1.PipelineStatus{LastNumber: 7},
			}
			before := pipeline.DeepCopy()
			got, leftOut := Of(pipeline, Options{Random: "x7k2p", Notify: test.notify})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the Pipeline (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.leftOut, leftOut); diff != "" {
				t.Errorf("what is left out (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, pipeline); diff != "" {
				t.Errorf("the Pipeline that is tried was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"web":                           "web-try-x7k2p",
		strings.Repeat("a", 42):         strings.Repeat("a", 42) + "-try-x7k2p",
		strings.Repeat("a", 52):         strings.Repeat("a", 42) + "-try-x7k2p",
		strings.Repeat("a", 41) + "-bc": strings.Repeat("a", 41) + "-try-x7k2p",
	} {
		if got := Name(name, "x7k2p"); got != want || len(got) > MaxName {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
