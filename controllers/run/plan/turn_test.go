package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// Jobs take turns in the order of the list. What has no Job takes no turn, also
// if it could not be made.
func TestMaxParallel(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b"), spec("c"), spec("d"), spec("e", "d"))
	f.Spec.MaxParallel = new(int32(2))
	create := func(want ...string) {
		t.Helper()
		d := plan.Decide(f)
		if diff := cmp.Diff(want, d.Create); diff != "" {
			t.Errorf("create (-want +got):\n%s", diff)
		}
		f.Run.Status = d.Status
	}
	create("a", "b")
	f.Deferred = map[string]plan.Refusal{"a": {Reason: v1alpha1.ReasonQuotaExceeded, Message: "no room"}}
	create("b", "c")
	withJob(f, "b")
	withJob(f, "c")
	create()
	f.Deferred = nil
	create()
	turn := outcome{"Waiting", "AwaitingTurn", "as many jobs run as the Pipeline's maxParallel allows: 2"}
	want := map[string]outcome{
		"a": turn, "b": {Phase: "Running"}, "c": {Phase: "Running"}, "d": turn, "e": {"Waiting", "AwaitingNeeds", "needs d"},
	}
	if diff := cmp.Diff(want, outcomes(plan.Decision{Status: f.Run.Status})); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if got, want := f.Run.Status.Conditions[0].Message, "0 of 5 jobs succeeded; running: b, c"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	// The end of a job that stands later gives its place to an earlier one.
	withPod(f, "c", "pod", exit(0, "Completed", 90))
	create("a")
	withJob(f, "a")
	withPod(f, "a", "pod-a", exit(0, "Completed", 95))
	create("d")
}

// A creation that had no clear answer may have been done.
func TestMaxParallelCountsWhatIsUnclear(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b"))
	f.Spec.MaxParallel = new(int32(1))
	f.Deferred = map[string]plan.Refusal{"a": {Reason: v1alpha1.ReasonCreateError, Message: "the answer is lost"}}
	if d := plan.Decide(f); len(d.Create) > 0 {
		t.Errorf("creates %v beside a Job that may be there", d.Create)
	}
}

// Also a Job that is known to have been made and isn't seen yet has its place.
func TestMaxParallelCountsWhatIsNotSeen(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b"))
	f.Spec.MaxParallel = new(int32(1))
	record(f, "b", v1alpha1.JobRunning)
	if d := plan.Decide(f); len(d.Create) > 0 {
		t.Errorf("creates %v beside a Job that isn't seen", d.Create)
	}
	f.Run.Spec.Cancelled = true
	if got := phases(plan.Decide(f))["a"]; got != v1alpha1.JobCancelled {
		t.Errorf("a job that waits for its turn is %s in a cancelled Run", got)
	}
}
