package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestRunEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		run  v1alpha1.RunEnd
		want string
	}{
		"least": {v1alpha1.RunEnd{Pipeline: "build"}, ""},
		"all":   {v1alpha1.RunEnd{Pipeline: "build", Phases: []v1alpha1.RunPhase{"Failed", "Cancelled"}, If: "run.origin.branch == 'main'", Forks: "Run"}, ""},
		"itself": {
			v1alpha1.RunEnd{Pipeline: "web"},
			`spec.run.pipeline: Invalid value: "web": is what the Trigger starts: each Run would start the next`,
		},
		"no end": {
			v1alpha1.RunEnd{Pipeline: "build", Phases: []v1alpha1.RunPhase{"Running"}},
			`spec.run.phases[0]: Unsupported value: "Running": supported values: "Succeeded", "Failed", "Cancelled"`,
		},
		"forks": {v1alpha1.RunEnd{Pipeline: "build", Forks: "Yes"}, `spec.run.forks: Unsupported value: "Yes": supported values: "Ignore", "Run"`},
		"if": {
			v1alpha1.RunEnd{Pipeline: "build", If: "run.phase == 'OK'"},
			`spec.run.if: Invalid value: 1:14: run.phase is never "OK", but one of ["Succeeded" "Failed" "Cancelled"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trigger := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: "deploy"}, Spec: v1alpha1.TriggerSpec{Pipeline: "web", Run: &tt.run}}
			var got string
			if err := validation.Trigger(trigger).ToAggregate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
