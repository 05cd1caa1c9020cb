package validation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestParams(t *testing.T) {
	declared := []v1alpha1.Param{{Name: "git_sha"}, {Name: "deploy", Default: new("false")}}
	for name, tc := range map[string]struct {
		given map[string]string
		want  map[string]string
		errs  []string
	}{
		"default": {
			given: map[string]string{"git_sha": "abc"},
			want:  map[string]string{"git_sha": "abc", "deploy": "false"},
		},
		"given wins": {
			given: map[string]string{"git_sha": "", "deploy": "true"},
			want:  map[string]string{"git_sha": "", "deploy": "true"},
		},
		"missing and unknown": {
			given: map[string]string{"shа": "secret-value", "other": "x"},
			errs: []string{
				"params[git_sha]: Required value: the Pipeline gives it no default",
				"params[other]: Invalid value: the Pipeline does not declare it; it declares: git_sha, deploy",
				"params[shа]: Invalid value: the Pipeline does not declare it; it declares: git_sha, deploy",
			},
		},
		"no environment variable can hold it": {
			given: map[string]string{"git_sha": "a\x00b", "deploy": strings.Repeat("x", 32<<10+1)},
			errs: []string{
				`params[git_sha]: Invalid value: "": must not contain a NUL character: no environment variable can hold one`,
				"params[deploy]: Too long: may not be more than 32768 bytes",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, errs := validation.Params(declared, tc.given)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("params (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.errs, texts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParamNames(t *testing.T) {
	for name, want := range map[string][]string{
		"git_sha":  nil,
		"GIT_SHA":  {`spec.params[0].name: Invalid value: "GIT_SHA": must be lower-case letters, digits and underscores, beginning with a letter`},
		"git-sha":  {`spec.params[0].name: Invalid value: "git-sha": must be lower-case letters, digits and underscores, beginning with a letter`},
		"1st":      {`spec.params[0].name: Invalid value: "1st": must be lower-case letters, digits and underscores, beginning with a letter`},
		"run":      {`spec.params[0].name: Invalid value: "run": is reserved: KayCI sets the environment variable of that name itself`},
		"output_x": {`spec.params[0].name: Invalid value: "output_x": is reserved: KayCI sets the environment variable of that name itself`},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline(job("a"))
			p.Spec.Params = []v1alpha1.Param{{Name: name}}
			if diff := cmp.Diff(want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
