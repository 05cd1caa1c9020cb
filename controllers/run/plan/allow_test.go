package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// A failure that is allowed is the job's own: jobs behind it start, at any
// distance, and the Run succeeds.
func TestAllowedFailure(t *testing.T) {
	t.Parallel()
	lint := spec("lint")
	lint.AllowFailure = true
	f := facts(lint, spec("build", "lint"), when("success()", "publish", "build"), when("failure()", "alarm", "lint"))
	f.Expressions = expressions(t)
	withJob(f, "lint", backoffLimit(80))
	withPod(f, "lint", "pod", exit(1, "Error", 79), podPhase(corev1.PodFailed))
	d := decide(f)
	if len(d.Create) > 0 {
		t.Errorf("before the failure is recorded it creates %v", d.Create)
	}
	if diff := cmp.Diff([]string{"build"}, plan.Decide(f).Create); diff != "" {
		t.Errorf("create (-want +got):\n%s", diff)
	}
	want := v1alpha1.JobStatus{
		Name: "lint", Phase: "Failed", Reason: "Error", Message: "container main exited with code 1", FailureAllowed: true,
		Job: "run-lint", QueuedTime: ts(0), ScheduledTime: ts(1), StartTime: ts(1), CompletionTime: ts(80),
	}
	if diff := cmp.Diff(want, d.Status.Jobs[0]); diff != "" {
		t.Errorf("lint (-want +got):\n%s", diff)
	}
	if got, want := d.Status.Conditions[0].Message, "0 of 4 jobs succeeded; failed, which is allowed: lint"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	for _, name := range []string{"build", "publish"} {
		withJob(f, name)
		withPod(f, name, "pod-"+name, exit(0, "Completed", 90))
	}
	got := plan.Decide(f).Status
	wanted := v1alpha1.RunStatus{
		ObservedGeneration: 1, Phase: "Succeeded", Number: 3, StartTime: ts(0), CompletionTime: ts(100),
		Conditions: condition("True", "Succeeded", "2 of 4 jobs succeeded; failed, which is allowed: lint; skipped: alarm"),
		Jobs: []v1alpha1.JobStatus{
			want,
			{Name: "build", Phase: "Succeeded", Job: "run-build", QueuedTime: ts(0), ScheduledTime: ts(1), StartTime: ts(1), CompletionTime: ts(90)},
			{Name: "publish", Phase: "Succeeded", Job: "run-publish", QueuedTime: ts(0), ScheduledTime: ts(1), StartTime: ts(1), CompletionTime: ts(90)},
			{Name: "alarm", Phase: "Skipped", Reason: "ConditionFalse", Message: "its condition is false: failure()", CompletionTime: ts(100)},
		},
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	// What has ended is followed by its status alone, which has no spec.
	f.Run.Status, f.Spec = got, v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "lint"}, {Name: "build"}, {Name: "publish"}, {Name: "alarm"}}}
	if diff := cmp.Diff(wanted, plan.Decide(f).Status); diff != "" {
		t.Errorf("status of the Run that has ended (-want +got):\n%s", diff)
	}
}

// Another failure counts, and is the one that the Run's message tells of.
func TestAllowedFailureBesideAnother(t *testing.T) {
	t.Parallel()
	lint := spec("lint")
	lint.AllowFailure = true
	f := facts(lint, spec("test"))
	for _, name := range []string{"lint", "test"} {
		withJob(f, name, backoffLimit(80))
		withPod(f, name, "pod-"+name, exit(1, "Error", 79), podPhase(corev1.PodFailed))
	}
	got := plan.Decide(f).Status
	want := condition("False", "JobFailed", "job test failed: Error: container main exited with code 1; 0 of 2 jobs succeeded; failed, which is allowed: lint")
	if diff := cmp.Diff(want, got.Conditions); got.Phase != "Failed" || diff != "" {
		t.Errorf("%s, conditions (-want +got):\n%s", got.Phase, diff)
	}
}

// A service that is lost is a failure, whatever its jobs are allowed to.
func TestAllowedFailureOfALostService(t *testing.T) {
	t.Parallel()
	lint := spec("lint")
	lint.AllowFailure = true
	f := facts(lint)
	f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
	f.Run.Status.Services = []v1alpha1.ServiceStatus{{Name: "db", Phase: "Failed", Reason: "Error", Message: "lost"}}
	f.ServicesGone = map[string]bool{"db": true}
	f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "lint", Phase: "Failed", FailureAllowed: true, Reason: "Error"}}
	if got := plan.Decide(f).Status; got.Phase != "Failed" || got.Conditions[0].Reason != "ServiceFailed" {
		t.Errorf("%s %s, want Failed ServiceFailed", got.Phase, got.Conditions[0].Reason)
	}
}
