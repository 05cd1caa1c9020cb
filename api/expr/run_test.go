package expr

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func runEnv(t testing.TB) *RunEnv {
	t.Helper()
	env, err := NewRunEnv()
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func scope() Scope {
	return Scope{Params: []string{"deploy", "branch"}, Ancestors: []string{"test", "build-web"}}
}

// runVars of a job behind test, which ended in that phase, and build-web, which
// has succeeded.
func runVars(test v1alpha1.JobPhase) RunVars {
	return RunVars{
		Params: map[string]string{"deploy": "true", "branch": "main"},
		Run:    Run{Name: "web-1", Namespace: "ci", Pipeline: "web", Number: 12, Ref: "refs/heads/main"},
		Jobs: map[string]Job{
			"test":      {Phase: string(test)},
			"build-web": {Phase: "Succeeded", Outputs: map[string]string{"version": "1.4"}},
		},
	}
}

func TestNewRun(t *testing.T) {
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"},
		Spec: v1alpha1.RunSpec{Pipeline: "web", Origin: &v1alpha1.Origin{
			Trigger: "push", Provider: "github", Repository: "acme/web", SHA: "8f3c", Ref: "refs/heads/main", Sender: "alex", PullRequest: 7, Fork: true,
		}},
	}
	want := Run{
		Name: "web-1", Namespace: "ci", Pipeline: "web", Number: 12,
		Trigger: "push", Provider: "github", Repository: "acme/web", SHA: "8f3c", Ref: "refs/heads/main", Sender: "alex", PullRequest: 7, Fork: true,
	}
	if diff := cmp.Diff(want, NewRun(run, 12)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What a condition says when its ancestors all succeeded, when one failed, and
// when one was skipped.
func TestJobCondition(t *testing.T) {
	type outcome struct{ Succeeded, Failed, Skipped bool }
	env := runEnv(t)
	for src, want := range map[string]outcome{
		`success()`:                               {Succeeded: true},
		`failure()`:                               {Failed: true},
		`always()`:                                {true, true, true},
		`!success()`:                              {Failed: true, Skipped: true},
		`!failure()`:                              {Succeeded: true, Skipped: true},
		`params.deploy == 'true'`:                 {Succeeded: true},
		`params.deploy == 'false'`:                {},
		`always() && params['branch'] == 'main'`:  {true, true, true},
		`failure() || params.deploy == 'true'`:    {true, true, true},
		`run.ref == 'refs/heads/main'`:            {Succeeded: true},
		`run.number % 2 == 0`:                     {Succeeded: true},
		`always() && jobs.test.phase != 'Failed'`: {Succeeded: true, Skipped: true},
		`jobs['build-web'].outputs.version.startsWith('1.')`:     {Succeeded: true},
		`has(jobs['build-web'].outputs.missing)`:                 {},
		`jobs['build-web'].outputs.?other.orValue('') == ''`:     {Succeeded: true},
		`always() && jobs.exists(j, jobs[j].phase == 'Skipped')`: {Skipped: true},
		`jobs.test.outputs.size() == 0`:                          {Succeeded: true},
	} {
		t.Run(src, func(t *testing.T) {
			condition, err := env.CompileCondition(src, scope())
			if err != nil {
				t.Fatal(err)
			}
			got := map[v1alpha1.JobPhase]bool{}
			for _, phase := range []v1alpha1.JobPhase{v1alpha1.JobSucceeded, v1alpha1.JobFailed, v1alpha1.JobSkipped} {
				if got[phase], err = condition.Eval(runVars(phase)); err != nil {
					t.Errorf("%s: %v", phase, err)
				}
			}
			if diff := cmp.Diff(want, outcome{got["Succeeded"], got["Failed"], got["Skipped"]}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A failure that is allowed is success to the functions; the phase says what it
// was.
func TestJobConditionBehindAnAllowedFailure(t *testing.T) {
	env := runEnv(t)
	for src, want := range map[string]bool{
		`success()`: true, `params.deploy == 'true'`: true, `failure()`: false, `jobs.test.phase == 'Failed'`: true,
	} {
		condition, err := env.CompileCondition(src, scope())
		if err != nil {
			t.Fatal(err)
		}
		vars := runVars(v1alpha1.JobFailed)
		vars.Allowed = map[string]bool{"test": true}
		if got, err := condition.Eval(vars); got != want || err != nil {
			t.Errorf("%s is %t, %v, want %t", src, got, err, want)
		}
	}
}

func TestJobConditionWithoutAncestors(t *testing.T) {
	env := runEnv(t)
	for src, want := range map[string]bool{`success()`: true, `failure()`: false, `always()`: true, `true`: true} {
		condition, err := env.CompileCondition(src, Scope{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := condition.Eval(RunVars{}); got != want || err != nil {
			t.Errorf("%s is %t, %v, want %t", src, got, err, want)
		}
	}
}

func TestJobConditionTellsWhatItAsks(t *testing.T) {
	type asks struct{ Success, Number bool }
	env := runEnv(t)
	for src, want := range map[string]asks{
		`success() && true`:                {Success: true},
		`params.deploy == 'true'`:          {Success: true},
		`failure()`:                        {},
		`always() || success()`:            {Success: true},
		`run.number > 3`:                   {Success: true, Number: true},
		`always() && [run.number][0] == 1`: {Number: true},
		`'success()' == run.name`:          {Success: true},
	} {
		condition, err := env.CompileCondition(src, scope())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, asks{condition.AsksSuccess(), condition.UsesNumber()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", src, diff)
		}
	}
}

func TestJobConditionErrors(t *testing.T) {
	const names = " (the variables are params, jobs and run, the functions success(), failure() and always(); " +
		"text stands in quotes, and a job's name with a dash as in jobs['build-web'])"
	type outcome struct{ Compile, Eval string }
	env := runEnv(t)
	for src, want := range map[string]outcome{
		``:                             {Compile: "1:1: the expression is empty: write a condition, such as success() && params.deploy == 'true'"},
		`params.deploy`:                {Compile: "1:1: the result is of type string, but a condition is true or false: compare it with something"},
		`params.delpoy == ''`:          {Compile: `1:1: the Pipeline declares no parameter "delpoy" (it declares deploy, branch)`},
		"success() &&\n has(params.x)": {Compile: `2:6: the Pipeline declares no parameter "x" (it declares deploy, branch)`},
		`params.?x.orValue('') == ''`:  {Compile: `1:1: the Pipeline declares no parameter "x" (it declares deploy, branch)`},
		`always() && jobs.later.phase == 'Failed'`: {
			Compile: `1:13: "later" is no job that this one needs, directly or by way of others (those are test, build-web)`,
		},
		`jobs['later'].outputs.x == ''`:     {Compile: `1:1: "later" is no job that this one needs, directly or by way of others (those are test, build-web)`},
		`jobs[?'later'].hasValue()`:         {Compile: `1:1: "later" is no job that this one needs, directly or by way of others (those are test, build-web)`},
		`jobs.build-web.phase == 'x'`:       {Compile: "1:11: found no matching overload for '_-_' applied to '(expr.Job, dyn)' (convert a side with string(), int() or double()); 1:12: undeclared reference to 'web'" + names},
		`succes()`:                          {Compile: "1:7: undeclared reference to 'succes'" + names},
		`success`:                           {Compile: "1:1: undeclared reference to 'success'" + names},
		`success(1)`:                        {Compile: "1:8: undeclared reference to 'success'" + names},
		`event.sha == ''`:                   {Compile: "1:1: undeclared reference to 'event'" + names},
		`@success`:                          {Compile: "1:1: Syntax error: token recognition error at: '@'"},
		`jobs.test.result == ''`:            {Compile: "1:10: undefined field 'result' (run has name, namespace, pipeline, number, trigger, provider, repository, sha, ref, sender, pullRequest, fork; a job has phase, outputs)"},
		`jobs['build-web'].outputs.x == ''`: {Eval: "1:26: no such key: x (write jobs.build.outputs.?version.orValue('') for an output that may be missing)"},
		`jobs[params.branch].phase == 'x'`:  {Eval: "1:20: no such key: main (write jobs.build.outputs.?version.orValue('') for an output that may be missing)"},
		`int(params.branch) > 1`:            {Eval: "1:4: type conversion error from 'string' to 'int'"},
	} {
		t.Run(src, func(t *testing.T) {
			var got outcome
			condition, err := env.CompileCondition(src, scope())
			got.Compile = message(err)
			if err == nil {
				_, err = condition.Eval(runVars("Succeeded"))
				got.Eval = message(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestKey(t *testing.T) {
	type outcome struct{ Value, Compile, Eval string }
	const names = " (the variables are params and run; text stands in quotes)"
	env := runEnv(t)
	for src, want := range map[string]outcome{
		`params.branch`:                      {Value: "main"},
		`run.pipeline + '/' + params.branch`: {Value: "web/main"},
		`run.sha`:                            {},
		`run.sender == '' ? run.name : 'x'`:  {Value: "web-1"},
		`params.other`:                       {Compile: `1:1: the Pipeline declares no parameter "other" (it declares deploy, branch)`},
		`1`:                                  {Compile: "1:1: the result is of type int, but a key is a string: convert it with string()"},
		`run.fork ? 'forks' : 'own'`:         {Value: "own"},
		`run.number`:                         {Compile: "1:4: run.number isn't known yet: a Run gets its number with its first Job"},
		`string(run.number)`:                 {Compile: "1:11: run.number isn't known yet: a Run gets its number with its first Job"},
		`jobs.test.phase`:                    {Compile: "1:1: undeclared reference to 'jobs'" + names},
		`success() ? 'a' : 'b'`:              {Compile: "1:8: undeclared reference to 'success'" + names},
		`params[params.branch]`:              {Eval: "1:7: no such key: main (write params.?name.orValue('') for a parameter that may be missing)"},
		`"a\u0000b"`:                         {Eval: "1:1: the result contains a NUL character: remove it"},
		`params.branch.replace('', run.ref+run.ref).replace('', run.ref+run.ref+run.ref).replace('', run.ref+run.ref+run.ref)`: {
			Eval: "1:1: the result has 327979 bytes, and a key 32768 at most",
		},
	} {
		t.Run(src, func(t *testing.T) {
			var got outcome
			key, err := env.CompileKey(src, scope())
			got.Compile = message(err)
			if err == nil {
				got.Value, err = key.Eval(runVars("Succeeded"))
				got.Eval = message(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// FuzzJobCondition checks that whatever compiles has one answer, and no panic.
func FuzzJobCondition(f *testing.F) {
	for _, seed := range []string{
		`success() && params.deploy == 'true'`, `jobs.test.phase == 'Failed'`, `jobs[?'x'].hasValue()`, `always() || failure()`,
		`[1].all(jobs, jobs > 0)`, `expr.Job{phase: "x"}.phase == run.name`,
	} {
		f.Add(seed)
	}
	env := runEnv(f)
	f.Fuzz(func(t *testing.T, src string) {
		condition, err := env.CompileCondition(src, Scope{})
		if err != nil {
			return
		}
		holds, err := condition.Eval(RunVars{})
		if err != nil && holds {
			t.Errorf("both true and an error %v", err)
		}
		if again, err2 := condition.Eval(RunVars{}); again != holds || message(err2) != message(err) {
			t.Errorf("%t, %v at first, and then %t, %v", holds, err, again, err2)
		}
	})
}
