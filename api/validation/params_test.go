package validation_test

import (
	"strconv"
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

func TestAllowedParams(t *testing.T) {
	many := make([]string, 0, 20)
	for i := range 20 {
		many = append(many, strconv.Itoa(i))
	}
	declared := []v1alpha1.Param{
		{Name: "stage", Enum: []string{"test", "live"}, Default: new("test")},
		{Name: "version", Pattern: `v?\d+|latest`},
		{Name: "both", Enum: []string{"a", "b"}, Pattern: "[ab]", Default: new("a")},
		{Name: "many", Enum: many, Default: new("0")},
		{Name: "open", Pattern: `a|ab|\Qx`, Default: new("ab")},
	}
	for name, tc := range map[string]struct {
		given map[string]string
		errs  []string
	}{
		"allowed":              {given: map[string]string{"stage": "live", "version": "v12", "both": "b", "many": "19", "open": "x"}},
		"an alternative":       {given: map[string]string{"version": "latest", "open": "ab"}},
		"not in the enum":      {given: map[string]string{"stage": "canary", "version": "1"}, errs: []string{`params[stage]: Invalid value: must be one of "test", "live"`}},
		"blank":                {given: map[string]string{"stage": "", "version": ""}, errs: []string{`params[stage]: Invalid value: must be one of "test", "live"`, `params[version]: Invalid value: must match the pattern v?\d+|latest from beginning to end`}},
		"only a part matches":  {given: map[string]string{"version": "v1-canary"}, errs: []string{`params[version]: Invalid value: must match the pattern v?\d+|latest from beginning to end`}},
		"a line matches":       {given: map[string]string{"version": "canary\nlatest"}, errs: []string{`params[version]: Invalid value: must match the pattern v?\d+|latest from beginning to end`}},
		"a line break is left": {given: map[string]string{"version": "latest\n"}, errs: []string{`params[version]: Invalid value: must match the pattern v?\d+|latest from beginning to end`}},
		"a long list": {
			given: map[string]string{"version": "1", "many": "canary"},
			errs:  []string{`params[many]: Invalid value: must be one of "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", and 4 more`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := validation.Params(declared, tc.given)
			if diff := cmp.Diff(tc.errs, texts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(texts(errs), "\n"), "canary") {
				t.Errorf("a value stands in %v", errs)
			}
		})
	}
}

func TestDeclaredParams(t *testing.T) {
	for name, tc := range map[string]struct {
		param v1alpha1.Param
		want  []string
	}{
		"default is allowed":         {param: v1alpha1.Param{Default: new("a"), Enum: []string{"a", "b"}, Pattern: "[a-z]"}},
		"default is not in the enum": {param: v1alpha1.Param{Default: new("c"), Enum: []string{"a", "b"}}, want: []string{`spec.params[0].default: Invalid value: must be one of "a", "b"`}},
		"default does not match":     {param: v1alpha1.Param{Default: new("c1"), Pattern: "[a-z]"}, want: []string{`spec.params[0].default: Invalid value: must match the pattern [a-z] from beginning to end`}},
		"bad pattern":                {param: v1alpha1.Param{Default: new("c1"), Pattern: "(a"}, want: []string{"spec.params[0].pattern: Invalid value: error parsing regexp: missing closing ): `(a`"}},
		"pattern of many steps":      {param: v1alpha1.Param{Default: new("c1"), Pattern: `\pL{999}c{999}a{9}1`}, want: []string{"spec.params[0].pattern: Invalid value: the pattern comes to 2012 steps, with its repetitions written out, and 2000 is the limit: repeat less"}},
		"pattern of two halves":      {param: v1alpha1.Param{Pattern: "a)(b"}, want: []string{"spec.params[0].pattern: Invalid value: error parsing regexp: unexpected ): `a)(b`"}},
		"enum value that can't be chosen": {
			param: v1alpha1.Param{Enum: []string{"a", "1"}, Pattern: "[a-z]"},
			want:  []string{`spec.params[0].enum[1]: Invalid value: must match the pattern [a-z] from beginning to end`},
		},
		"enum value twice": {param: v1alpha1.Param{Enum: []string{"a", "a"}}, want: []string{`spec.params[0].enum[1]: Duplicate value: "a"`}},
		"too many":         {param: v1alpha1.Param{Enum: make([]string, 65)}, want: []string{`spec.params[0].enum: Too many: 65: must have at most 64 items`}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline(job("a"))
			tc.param.Name = "stage"
			p.Spec.Params = []v1alpha1.Param{tc.param}
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParamNames(t *testing.T) {
	for name, want := range map[string][]string{
		"git_sha":     nil,
		"GIT_SHA":     {`spec.params[0].name: Invalid value: "GIT_SHA": must be lower-case letters, digits and underscores, beginning with a letter`},
		"git-sha":     {`spec.params[0].name: Invalid value: "git-sha": must be lower-case letters, digits and underscores, beginning with a letter`},
		"1st":         {`spec.params[0].name: Invalid value: "1st": must be lower-case letters, digits and underscores, beginning with a letter`},
		"run":         {`spec.params[0].name: Invalid value: "run": is reserved: KayCI sets the environment variable of that name itself`},
		"job_a_phase": {`spec.params[0].name: Invalid value: "job_a_phase": is reserved: KayCI sets the environment variable of that name itself`},
		"job_phases":  nil,
		"output_x":    {`spec.params[0].name: Invalid value: "output_x": is reserved: KayCI sets the environment variable of that name itself`},
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
