package validation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestRun(t *testing.T) {
	known := &v1alpha1.PipelineSpec{Params: []v1alpha1.Param{{Name: "git_sha"}, {Name: "deploy", Default: new("false"), Enum: []string{"true", "false"}}}}
	for name, tc := range map[string]struct {
		name     string
		pipeline *v1alpha1.PipelineSpec
		params   map[string]string
		want     []string
	}{
		"complete":            {pipeline: known, params: map[string]string{"git_sha": "abc"}},
		"of nothing known":    {params: map[string]string{"git_sha": "abc"}},
		"nothing given":       {pipeline: known, want: []string{"spec.params[git_sha]: Required value: the Pipeline gives it no default"}},
		"nothing given early": {},
		"unknown and missing": {
			pipeline: known, params: map[string]string{"sha": "abc"},
			want: []string{
				"spec.params[git_sha]: Required value: the Pipeline gives it no default",
				"spec.params[sha]: Invalid value: the Pipeline does not declare it; it declares: git_sha, deploy",
			},
		},
		"a value of no environment": {
			pipeline: known, params: map[string]string{"git_sha": "canary\x00"},
			want: []string{`spec.params[git_sha]: Invalid value: "": must not contain a NUL character: no environment variable can hold one`},
		},
		"a value that isn't allowed": {
			pipeline: known, params: map[string]string{"git_sha": "abc", "deploy": "canary"},
			want: []string{`spec.params[deploy]: Invalid value: must be one of "true", "false"`},
		},
		"what no Pipeline declares": {
			params: map[string]string{"GIT": "a", "run": "b", "sha": "canary\x00"},
			want: []string{
				`spec.params[GIT]: Invalid value: "GIT": must be lower-case letters, digits and underscores, beginning with a letter`,
				`spec.params[run]: Invalid value: "run": is reserved: KayCI sets the environment variable of that name itself`,
				`spec.params[sha]: Invalid value: "": must not contain a NUL character: no environment variable can hold one`,
			},
		},
		"too much for any": {
			params: large(9),
			want:   []string{"spec.params: Too long: may not be more than 262144 bytes"},
		},
		"long name": {
			name: strings.Repeat("x", 64), pipeline: known, params: map[string]string{"git_sha": "abc"},
			want: []string{"metadata.name: Invalid value: \"" + strings.Repeat("x", 64) + "\": must be no more than 63 characters"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Name: "web-1"}, Spec: v1alpha1.RunSpec{Pipeline: "web", Params: tc.params}}
			if tc.name != "" {
				run.Name = tc.name
			}
			got := texts(validation.Run(run, tc.pipeline))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, ""), "canary") {
				t.Errorf("a value stands in %q", got)
			}
		})
	}
}

// large returns parameters that are each as long as one may be.
func large(count int) map[string]string {
	params := map[string]string{}
	for i := range count {
		params["p"+string(rune('a'+i))] = strings.Repeat("x", 32<<10)
	}
	return params
}
