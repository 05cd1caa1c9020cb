package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestPipelineConcurrency(t *testing.T) {
	for name, tc := range map[string]struct {
		concurrency v1alpha1.Concurrency
		want        []string
	}{
		"a parameter":    {v1alpha1.Concurrency{Key: "params.branch", Limit: 2, Policy: "Replace"}, nil},
		"defaults":       {v1alpha1.Concurrency{Key: "run.ref"}, nil},
		"one for all":    {v1alpha1.Concurrency{Key: "'deploy'", Policy: "Skip"}, nil},
		"several values": {v1alpha1.Concurrency{Key: "run.repository + '#' + params.branch", Policy: "Queue"}, nil},
		"a group":        {v1alpha1.Concurrency{Key: "params.branch", Group: "production-1"}, nil},
		"a group's one":  {v1alpha1.Concurrency{Group: "production"}, nil},
		"neither": {
			v1alpha1.Concurrency{Limit: 2}, []string{"spec.concurrency.key: Required value: unless there is a group"},
		},
		"no name": {
			v1alpha1.Concurrency{Key: "'x'", Group: "params.branch"}, []string{`spec.concurrency.group: Invalid value: "params.branch": must not contain dots`},
		},
		"syntax": {
			v1alpha1.Concurrency{Key: "params.branch +"},
			[]string{`spec.concurrency.key: Invalid value: 1:16: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`},
		},
		"parameter that isn't declared": {
			v1alpha1.Concurrency{Key: "params.brunch"},
			[]string{`spec.concurrency.key: Invalid value: 1:1: the Pipeline declares no parameter "brunch" (it declares branch)`},
		},
		"no string": {
			v1alpha1.Concurrency{Key: "params.size()"},
			[]string{`spec.concurrency.key: Invalid value: 1:1: the result is of type int, but a key is a string: convert it with string()`},
		},
		"the number": {
			v1alpha1.Concurrency{Key: "string(run.number)"},
			[]string{`spec.concurrency.key: Invalid value: 1:11: run.number isn't known yet: a Run gets its number with its first Job`},
		},
		"jobs": {
			v1alpha1.Concurrency{Key: "jobs.a.phase"},
			[]string{`spec.concurrency.key: Invalid value: 1:1: undeclared reference to 'jobs' (the variables are params and run; text stands in quotes)`},
		},
		"limit and policy": {
			v1alpha1.Concurrency{Key: "'x'", Limit: -1, Policy: "Wait"},
			[]string{
				"spec.concurrency.limit: Invalid value: -1: must be from 1 to 1000",
				`spec.concurrency.policy: Unsupported value: "Wait": supported values: "Queue", "Replace", "Skip"`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline(job("a"))
			p.Spec.Params = []v1alpha1.Param{{Name: "branch"}}
			p.Spec.Concurrency = &tc.concurrency
			if diff := cmp.Diff(tc.want, texts(validation.Pipeline(p))); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
