package expr

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// evaluated is the parameter, or the error of compiling, vetting or evaluating it.
func evaluated(t *testing.T, env *Env, source string, vars Variables) string {
	t.Helper()
	param, err := env.CompileParam(source)
	if err == nil {
		err = param.Vet()
	}
	if err != nil {
		return "error: " + err.Error()
	}
	value, err := param.Eval(vars)
	if err != nil {
		return "error: " + err.Error()
	}
	return value
}

func TestRunEndParams(t *testing.T) {
	t.Parallel()
	env, err := NewRunEndEnv()
	if err != nil {
		t.Fatal(err)
	}
	run := NewEndedRun(&v1alpha1.Run{
		Spec: v1alpha1.RunSpec{
			Pipeline: "build", Params: map[string]string{"stage": "test"},
			Origin: &v1alpha1.Origin{Provider: "github", SHA: "8f3c", PullRequest: 7, Fork: true, BaseBranch: "release-1", Depth: 2},
		},
		Status: v1alpha1.RunStatus{Phase: "Failed", Number: 12, Jobs: []v1alpha1.JobStatus{{Name: "build-web", Outputs: map[string]string{"version": "1.4.2"}}, {Name: "test"}}},
	})
	for source, want := range map[string]string{
		"run.origin.sha + '@' + string(run.number)":     "8f3c@12",
		"run.outputs['build-web'].version":              "1.4.2",
		"run.outputs.?test.?version.orValue('none')":    "none",
		"run.params.stage + ' ' + run.pipeline":         "test build",
		"run.origin.fork && run.origin.pullRequest > 0": "true",
		"run.origin.baseBranch":                         "release-1",
		"run.origin.depth":                              "2",
		"run.phase == 'Error'":                          `error: 1:14: run.phase is never "Error", but one of ["Succeeded" "Failed" "Cancelled"]`,
		"run.origin.provider == 'GitHub'":               `error: 1:24: run.origin.provider is never "GitHub", but one of ["generic" "github" "gitlab" "gitea" "bitbucket" "bitbucket-server" ""]`,
		"run.outputs":                                   "error: 1:1: the result is of type map(string, map(string, string)), but a parameter is a string, number or bool: pick one element, or join a list of strings with .join(',')",
		"event.sha":                                     "error: 1:1: undeclared reference to 'event' (the variable is run; text stands in quotes)",
		"run.params.branch":                             "error: 1:11: no such key: branch (write run.outputs.?build.?version.orValue('') for an output that may be missing)",
	} {
		if diff := cmp.Diff(want, evaluated(t, env, source, RunEndVars{Run: run})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
	if got := evaluated(t, env, "run.origin.sha + run.origin.run", RunEndVars{Run: NewEndedRun(&v1alpha1.Run{})}); got != "" {
		t.Errorf("of a Run without origin: %q", got)
	}
}

func TestScheduleParams(t *testing.T) {
	t.Parallel()
	env, err := NewScheduleEnv()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 29, 3, 30, 0, 0, time.FixedZone("", 7200))
	for source, want := range map[string]string{
		"'test'":                        "test",
		"string(time)":                  "2026-03-29T01:30:00Z",
		"string(time).substring(0, 10)": "2026-03-29",
		"time.getHours()":               "1",
		"time.getDayOfWeek() == 0":      "true",
		"time":                          "error: 1:1: the result is of type google.protobuf.Timestamp, but a parameter is a string, number or bool: pick one element, or join a list of strings with .join(',')",
		"":                              "error: 1:1: the expression is empty: write a value in quotes, such as '\"main\"', or string(time)",
	} {
		if diff := cmp.Diff(want, evaluated(t, env, source, ScheduleVars{Time: at})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}
