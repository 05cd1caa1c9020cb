package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// failing is a Run of which job b fails, while a runs and c, which needs
// nothing, could start.
func failing(t *testing.T) *plan.Facts {
	t.Helper()
	f := facts(spec("a"), spec("b"), spec("c"), spec("behind", "b"), when("always()", "tidy", "b"))
	f.Expressions, f.Spec.FailFast = expressions(t), true
	withJob(f, "a")
	withPod(f, "a", "pod-a")
	withJob(f, "b", backoffLimit(80))
	withPod(f, "b", "pod-b", exit(1, "Error", 79), podPhase(corev1.PodFailed))
	return f
}

// The failure is recorded before anything is stopped for it, and nothing is
// started meanwhile.
func TestFailFast(t *testing.T) {
	t.Parallel()
	f := failing(t)
	first := plan.Decide(f)
	if first.Step != plan.Record {
		t.Fatalf("before the failure is recorded it asks for %+v, and the step %q", actionsOf(first), first.Step)
	}
	f.Run.Status = *first.Status.DeepCopy()

	second := plan.Decide(f)
	want := actions{StopPods: []types.NamespacedName{{Namespace: "ci", Name: "pod-a"}}}
	if diff := cmp.Diff(want, actionsOf(second)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	const because = ": job b failed: Error: container main exited with code 1"
	wantCondition := condition("Unknown", "JobFailed", "stopping a"+because)
	if diff := cmp.Diff(wantCondition, second.Status.Conditions); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
	f.Run.Status = *second.Status.DeepCopy()

	pod := &f.Pods["a"][0]
	pod.Status.Phase, pod.Status.Reason, pod.Spec.ActiveDeadlineSeconds = corev1.PodFailed, "DeadlineExceeded", new(int64(1))
	backoffLimit(99)(f.Jobs["a"])
	got := plan.Decide(f).Status
	wanted := map[string]outcome{
		"a":      {"Cancelled", "JobFailed", "stopped while it ran" + because},
		"b":      {"Failed", "Error", "container main exited with code 1"},
		"c":      {"Cancelled", "JobFailed", "stopped before it started" + because},
		"behind": {"Skipped", "NeedsFailed", "needs b, which failed"},
		"tidy":   {"Cancelled", "JobFailed", "stopped before it started" + because},
	}
	if diff := cmp.Diff(wanted, outcomes(plan.Decision{Status: got})); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	wantCondition = condition("False", "JobFailed", "stopped"+because+"; 0 of 5 jobs succeeded")
	if diff := cmp.Diff(wantCondition, got.Conditions); got.Phase != v1alpha1.RunFailed || diff != "" {
		t.Errorf("%s, condition (-want +got):\n%s", got.Phase, diff)
	}
}

// A second failure, of a job that stands before the first, changes no word of
// it; and somebody who cancels then comes too late.
func TestFailFastNamesTheFirstFailure(t *testing.T) {
	t.Parallel()
	f := failing(t)
	f.Run.Status = plan.Decide(f).Status
	f.Run.Status = plan.Decide(f).Status
	f.Run.Spec.Cancelled = true
	pod := &f.Pods["a"][0]
	exit(2, "Error", 98)(pod)
	pod.Status.Phase = corev1.PodFailed
	backoffLimit(99)(f.Jobs["a"])
	f.Run.Status = plan.Decide(f).Status
	want := condition("False", "JobFailed", "stopped: job b failed: Error: container main exited with code 1; 0 of 5 jobs succeeded")
	if diff := cmp.Diff(want, f.Run.Status.Conditions); f.Run.Status.Phase != v1alpha1.RunFailed || diff != "" {
		t.Errorf("%s, condition (-want +got):\n%s", f.Run.Status.Phase, diff)
	}
}

func TestWhatDoesNotFailFast(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*plan.Facts){
		"not asked for": func(f *plan.Facts) { f.Spec.FailFast = false },
		"it is allowed": func(f *plan.Facts) { f.Spec.Jobs[1].AllowFailure = true },
		"it is a success": func(f *plan.Facts) {
			withJob(f, "b")
			f.Pods["b"] = nil
			withPod(f, "b", "pod-b", exit(0, "Completed", 79))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := failing(t)
			change(f)
			d := plan.Decide(f)
			f.Run.Status = *d.Status.DeepCopy()
			if again := plan.Decide(f); len(d.Create) == 0 || !cmp.Equal(actions{Create: again.Create}, actionsOf(again)) || phases(again)["c"] != v1alpha1.JobWaiting {
				t.Errorf("it creates %v, then asks for %+v and jobs are %v", d.Create, actionsOf(again), phases(again))
			}
		})
	}
}
