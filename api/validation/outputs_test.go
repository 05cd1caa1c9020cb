package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestDeclaredOutputs(t *testing.T) {
	for name, tt := range map[string]struct {
		outputs []string
		several bool
		want    []string
	}{
		"none of several pods": {several: true},
		"two":                  {outputs: []string{"version", "_B2"}},
		"no name": {outputs: []string{"a-b"}, want: []string{
			`spec.jobs[0].outputs[0]: Invalid value: "a-b": must be letters, digits and underscores, beginning with no digit, and 253 characters at most`,
		}},
		"twice": {outputs: []string{"a", "a"}, want: []string{`spec.jobs[0].outputs[1]: Duplicate value: "a"`}},
		"of several pods": {outputs: []string{"a"}, several: true, want: []string{
			"spec.jobs[0].outputs: Forbidden: a Job of several pods, or of another cluster's, hands on no outputs: remove them",
		}},
		"too many": {outputs: make([]string, 65), want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline(with(job("build"), func(j *v1alpha1.Job) {
				j.Outputs = tt.outputs
				if tt.several {
					j.Template.Spec.Completions = new(int32(2))
				}
			}))
			got := texts(validation.Pipeline(p))
			if name == "too many" {
				got, tt.want = got[:1], []string{"spec.jobs[0].outputs: Too many: 65: must have at most 64 items"}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
