package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

func expressions(t *testing.T) *expr.RunEnv {
	t.Helper()
	env, err := expr.NewRunEnv()
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func when(condition, name string, needs ...string) v1alpha1.Job {
	return v1alpha1.Job{Name: name, Needs: needs, If: condition}
}

// What becomes of the last job, given how those before it have ended.
func TestConditions(t *testing.T) {
	t.Parallel()
	env := expressions(t)
	const (
		waiting, running   = v1alpha1.JobWaiting, v1alpha1.JobRunning
		succeeded, failed  = v1alpha1.JobSucceeded, v1alpha1.JobFailed
		skipped, cancelled = v1alpha1.JobSkipped, v1alpha1.JobCancelled
	)
	starts := outcome{Phase: waiting}
	alone := func(condition string) []v1alpha1.Job { return []v1alpha1.Job{when(condition, "last")} }
	two := func(condition string) []v1alpha1.Job {
		return []v1alpha1.Job{spec("a"), spec("b"), when(condition, "last", "a", "b")}
	}
	// tidy runs although a has failed, and last comes after it.
	behind := func(condition string) []v1alpha1.Job {
		return []v1alpha1.Job{spec("a"), when("always()", "tidy", "a"), when(condition, "last", "tidy")}
	}
	for _, tt := range []struct {
		name     string
		jobs     []v1alpha1.Job
		recorded []v1alpha1.JobStatus
		want     outcome
	}{
		{name: "no needs, true", jobs: alone("params.deploy == 'true'"), want: starts},
		{name: "no needs, false", jobs: alone("params.deploy ==\n\t'false'"), want: outcome{skipped, "ConditionFalse", "its condition is false: params.deploy == 'false'"}},
		{name: "no needs, failure", jobs: alone("failure()"), want: outcome{skipped, "ConditionFalse", "its condition is false: failure()"}},
		{name: "the Run", jobs: alone("run.ref.endsWith('/main') && run.number == 3"), want: starts},

		{name: "all succeeded", jobs: two(""), recorded: ended2(succeeded, succeeded), want: starts},
		{name: "all succeeded, success", jobs: two("success()"), recorded: ended2(succeeded, succeeded), want: starts},
		{name: "all succeeded, failure", jobs: two("failure()"), recorded: ended2(succeeded, succeeded), want: outcome{skipped, "ConditionFalse", "its condition is false: failure()"}},
		{name: "one failed", jobs: two("success()"), recorded: ended2(succeeded, failed), want: outcome{skipped, "NeedsFailed", "needs b, which failed"}},
		{name: "one failed, no status function", jobs: two("params.deploy == 'true'"), recorded: ended2(succeeded, failed), want: outcome{skipped, "NeedsFailed", "needs b, which failed"}},
		{name: "one failed, failure", jobs: two("failure()"), recorded: ended2(failed, succeeded), want: starts},
		{name: "one failed, always", jobs: two("always()"), recorded: ended2(failed, succeeded), want: starts},
		{name: "one failed, always but", jobs: two("always() && params.deploy == 'false'"), recorded: ended2(failed, succeeded), want: outcome{skipped, "ConditionFalse", "its condition is false: always() && params.deploy == 'false'"}},
		{name: "one failed, its phase", jobs: two("always() && jobs.a.phase == 'Failed' && jobs.b.phase == 'Succeeded'"), recorded: ended2(failed, succeeded), want: starts},
		{name: "one was skipped", jobs: two(""), recorded: ended2(skipped, succeeded), want: outcome{skipped, "NeedsSkipped", "needs a, which was skipped"}},
		{name: "one was skipped, failure", jobs: two("failure()"), recorded: ended2(skipped, succeeded), want: outcome{skipped, "ConditionFalse", "its condition is false: failure()"}},
		{name: "one was skipped, not failure", jobs: two("!failure()"), recorded: ended2(skipped, succeeded), want: starts},
		{name: "one was skipped, and one failed", jobs: two(""), recorded: ended2(skipped, failed), want: outcome{skipped, "NeedsFailed", "needs b, which failed"}},
		{name: "one was cancelled", jobs: two(""), recorded: ended2(cancelled, succeeded), want: outcome{skipped, "NeedsFailed", "needs a, which was cancelled"}},

		{name: "one runs, one failed", jobs: two(""), recorded: ended2(failed, running), want: outcome{skipped, "NeedsFailed", "needs a, which failed"}},
		{name: "one runs, one failed: too early for a condition", jobs: two("failure()"), recorded: ended2(failed, running), want: outcome{waiting, "AwaitingNeeds", "needs a, b"}},

		{name: "behind a failure that was handled", jobs: behind(""), recorded: endedBehind(failed), want: outcome{skipped, "NeedsFailed", "comes after a, which failed"}},
		{name: "behind a failure that was handled, failure", jobs: behind("failure()"), recorded: endedBehind(failed), want: starts},
		{name: "behind a job that was skipped, and one that was not", jobs: behind(""), recorded: endedBehind(skipped), want: outcome{skipped, "NeedsSkipped", "comes after a, which was skipped"}},
		{name: "only what it needs counts", jobs: behind("jobs.tidy.phase == 'Succeeded' && always()"), recorded: endedBehind(failed), want: starts},
		{
			name: "a need was skipped early, and what it needs still runs",
			jobs: []v1alpha1.Job{spec("a"), spec("b"), spec("early", "a", "b"), when("always()", "last", "early")},
			recorded: []v1alpha1.JobStatus{
				{Name: "a", Phase: failed},
				{Name: "b", Phase: running},
				{Name: "early", Phase: skipped, Reason: "NeedsFailed"},
			},
			want: outcome{waiting, "AwaitingNeeds", "comes after b, which has not ended"},
		},
		{
			name: "skipped because of a failure is a failure at any distance",
			jobs: []v1alpha1.Job{spec("a"), spec("b", "a"), spec("last", "b")},
			recorded: []v1alpha1.JobStatus{
				{Name: "a", Phase: failed},
				{Name: "b", Phase: skipped, Reason: "NeedsFailed"},
			},
			want: outcome{skipped, "NeedsFailed", "needs b, which was skipped"},
		},

		{name: "an output", jobs: two("jobs.a.outputs.deploy == 'yes'"), recorded: []v1alpha1.JobStatus{
			{Name: "a", Phase: succeeded, Outputs: map[string]string{"deploy": "yes"}}, {Name: "b", Phase: succeeded},
		}, want: starts},
		{
			name: "an output that is missing", jobs: two("jobs.a.outputs.deploy == 'yes'"), recorded: ended2(succeeded, succeeded),
			want: outcome{failed, "InvalidCondition", "its condition can't be evaluated: 1:15: no such key: deploy (write jobs.build.outputs.?version.orValue('') for an output that may be missing)"},
		},
		{name: "an output that is missing, behind a failure", jobs: two("jobs.a.outputs.deploy == 'yes'"), recorded: ended2(failed, succeeded), want: outcome{skipped, "NeedsFailed", "needs a, which failed"}},
		{
			name: "a copy that no longer compiles", jobs: two("jobs.c.phase == ''"), recorded: ended2(succeeded, succeeded),
			want: outcome{failed, "InvalidCondition", `its condition is invalid: 1:1: "c" is no job that this one needs, directly or by way of others (those are a, b)`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(tt.jobs...)
			f.Expressions, f.Params = env, map[string]string{"deploy": "true"}
			f.Spec.Params = []v1alpha1.Param{{Name: "deploy"}}
			f.Run.Spec.Origin = &v1alpha1.Origin{Ref: "refs/heads/main"}
			f.Run.Status.Jobs = tt.recorded
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["last"]); diff != "" {
				t.Errorf("last (-want +got):\n%s", diff)
			}
			var create []string
			if tt.want == starts {
				create = []string{"last"}
			}
			if diff := cmp.Diff(create, d.Create); diff != "" {
				t.Errorf("create (-want +got):\n%s", diff)
			}
			// Deciding again, with the status read back, gives the same.
			f.Run.Status = *d.Status.DeepCopy()
			if diff := cmp.Diff(d.Status, plan.Decide(f).Status); diff != "" {
				t.Errorf("deciding again changed the status (-first +second):\n%s", diff)
			}
			f.Run.Status, f.Run.Spec.Cancelled = v1alpha1.RunStatus{Jobs: tt.recorded}, true
			if d := plan.Decide(f); len(d.Create) > 0 {
				t.Errorf("a cancelled Run creates %v", d.Create)
			}
		})
	}
}

func ended2(a, b v1alpha1.JobPhase) []v1alpha1.JobStatus {
	return []v1alpha1.JobStatus{{Name: "a", Phase: a}, {Name: "b", Phase: b}}
}

func endedBehind(a v1alpha1.JobPhase) []v1alpha1.JobStatus {
	return []v1alpha1.JobStatus{{Name: "a", Phase: a}, {Name: "tidy", Phase: v1alpha1.JobSucceeded}}
}

// The number comes with the first Job. A condition that asks for it has to get
// it first, or it would say one thing before and another after.
func TestConditionAsksForTheNumber(t *testing.T) {
	t.Parallel()
	f := facts(when("run.number == 7", "odd"), when("run.name == 'run'", "any"))
	f.Expressions, f.Number = expressions(t), 0
	d := plan.Decide(f)
	if diff := cmp.Diff([]string{"odd"}, d.Number); diff != "" {
		t.Errorf("asks for the number for (-want +got):\n%s", diff)
	}
	f.Deferred = map[string]plan.Refusal{"odd": {Reason: "QuotaExceeded", Message: "used: 5"}}
	d = plan.Decide(f)
	if want := (outcome{"Waiting", "QuotaExceeded", "used: 5"}); len(d.Number) > 0 || outcomes(d)["odd"] != want || d.RequeueAfter == 0 {
		t.Errorf("without room for it: asks for %v, %v, again after %s", d.Number, outcomes(d)["odd"], d.RequeueAfter)
	}
	f.Deferred, f.Number = nil, 7
	if diff := cmp.Diff([]string{"odd", "any"}, plan.Decide(f).Create); diff != "" {
		t.Errorf("create (-want +got):\n%s", diff)
	}
}

func TestSkippedJobsAreNamed(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), when("false", "b", "a"), spec("c", "b"))
	f.Expressions = expressions(t)
	record(f, "a", v1alpha1.JobSucceeded)
	status := plan.Decide(f).Status
	if got, want := status.Conditions[0].Message, "1 of 3 jobs succeeded; skipped: b, c"; status.Phase != v1alpha1.RunSucceeded || got != want {
		t.Errorf("%s: %q, want Succeeded: %q", status.Phase, got, want)
	}
}

func TestConditionTextIsBounded(t *testing.T) {
	t.Parallel()
	f := facts(when("'"+strings.Repeat("é", 4000)+"' == ''", "a"))
	f.Expressions = expressions(t)
	if got := len([]rune(plan.Decide(f).Status.Jobs[0].Message)); got > 512 {
		t.Errorf("the message has %d characters", got)
	}
}
