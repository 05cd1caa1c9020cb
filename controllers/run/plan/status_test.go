package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

func condition(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{
		Type: "Succeeded", Status: status, Reason: reason, Message: message,
		ObservedGeneration: 1, LastTransitionTime: *ts(100),
	}}
}

// TestRunStatus compares whole statuses along a Run's life.
func TestRunStatus(t *testing.T) {
	t.Parallel()
	chain := []v1alpha1.Job{spec("a"), spec("b", "a")}
	for _, tt := range []struct {
		name    string
		arrange func(*plan.Facts)
		want    v1alpha1.RunStatus
	}{
		{
			name: "running", arrange: func(f *plan.Facts) { withJob(f, "a") },
			want: v1alpha1.RunStatus{
				ObservedGeneration: 1, Phase: "Running", Number: 3, StartTime: ts(0),
				Conditions: condition("Unknown", "Running", "0 of 2 jobs succeeded; running: a"),
				Jobs: []v1alpha1.JobStatus{
					{Name: "a", Phase: "Running", Job: "run-a", QueuedTime: ts(0)},
					{Name: "b", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs a"},
				},
			},
		},
		{
			name: "succeeded", arrange: func(f *plan.Facts) {
				for _, name := range []string{"a", "b"} {
					withJob(f, name)
					withPod(f, name, "pod-"+name, exit(0, "Completed", 5))
				}
			},
			want: v1alpha1.RunStatus{
				ObservedGeneration: 1, Phase: "Succeeded", Number: 3, StartTime: ts(0), CompletionTime: ts(100),
				Conditions: condition("True", "Succeeded", "2 of 2 jobs succeeded"),
				Jobs: []v1alpha1.JobStatus{
					{Name: "a", Phase: "Succeeded", Job: "run-a", QueuedTime: ts(0), ScheduledTime: ts(1), StartTime: ts(1), CompletionTime: ts(5)},
					{Name: "b", Phase: "Succeeded", Job: "run-b", QueuedTime: ts(0), ScheduledTime: ts(1), StartTime: ts(1), CompletionTime: ts(5)},
				},
			},
		},
		{
			name: "failed", arrange: func(f *plan.Facts) {
				withJob(f, "a", backoffLimit(80))
				withPod(f, "a", "pod", exit(1, "Error", 79), podPhase(corev1.PodFailed))
			},
			want: v1alpha1.RunStatus{
				ObservedGeneration: 1, Phase: "Failed", Number: 3, StartTime: ts(0), CompletionTime: ts(100),
				Conditions: condition("False", "JobFailed", "job a failed: Error: container main exited with code 1; 0 of 2 jobs succeeded"),
				Jobs: []v1alpha1.JobStatus{
					{Name: "a", Phase: "Failed", Reason: "Error", Message: "container main exited with code 1", Job: "run-a", QueuedTime: ts(0), ScheduledTime: ts(1), StartTime: ts(1), CompletionTime: ts(80)},
					{Name: "b", Phase: "Skipped", Reason: "NeedsFailed", Message: "needs a, which failed", CompletionTime: ts(100)},
				},
			},
		},
		{
			name: "cancelled before it started", arrange: func(f *plan.Facts) { f.Run.Spec.Cancelled, f.Number = true, 0 },
			want: v1alpha1.RunStatus{
				ObservedGeneration: 1, Phase: "Cancelled", CompletionTime: ts(100),
				Conditions: condition("False", "Cancelled", "cancelled before it started"),
				Jobs: []v1alpha1.JobStatus{
					{Name: "a", Phase: "Cancelled", Reason: "Cancelled", Message: "cancelled before it started", CompletionTime: ts(100)},
					{Name: "b", Phase: "Cancelled", Reason: "Cancelled", Message: "cancelled before it started", CompletionTime: ts(100)},
				},
			},
		},
		{
			name: "no room", arrange: func(f *plan.Facts) {
				f.Deferred = map[string]plan.Refusal{"a": {Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: small"}}
			},
			want: v1alpha1.RunStatus{
				ObservedGeneration: 1, Phase: "Queued", Number: 3,
				Conditions: condition("Unknown", "Queued", "no job has started; a: QuotaExceeded: exceeded quota: small"),
				Jobs: []v1alpha1.JobStatus{
					{Name: "a", Phase: "Waiting", Reason: "QuotaExceeded", Message: "exceeded quota: small", WaitingSince: ts(100), QueuedTime: ts(100)},
					{Name: "b", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs a"},
				},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(chain...)
			tt.arrange(f)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, d.Status); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}

			// The same facts, a second later and with that status read back, change nothing.
			f.Run.Status, f.Now = *d.Status.DeepCopy(), at(101)
			if diff := cmp.Diff(d.Status, plan.Decide(f).Status); diff != "" {
				t.Errorf("deciding again changed the status (-first +second):\n%s", diff)
			}
		})
	}
}

func TestMessageNamesAFewOfMany(t *testing.T) {
	t.Parallel()
	var jobs []v1alpha1.Job
	for i := range 20 {
		jobs = append(jobs, spec(fmt.Sprintf("j%d", i)))
	}
	f := facts(jobs...)
	for _, job := range jobs {
		withJob(f, job.Name)
	}
	got := plan.Decide(f).Status.Conditions[0].Message
	if want := "0 of 20 jobs succeeded; running: j0, j1, j2, j3, j4, j5, j6, j7 and 12 more"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// faulty returns the status of a Run that can't go on for that reason.
func faulty(f *plan.Facts, reason, message string) v1alpha1.RunStatus {
	f.Fault = &evidence.Why{Reason: reason, Message: message}
	return plan.Decide(f).Status
}

func TestFault(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "a", Phase: "Running"}, {Name: "b", Phase: "Succeeded"}}
	want := v1alpha1.RunStatus{
		ObservedGeneration: 1, Phase: "Failed", CompletionTime: ts(100),
		Conditions: condition("False", "RevisionNotFound", "gone"),
		Jobs: []v1alpha1.JobStatus{
			{Name: "a", Phase: "Cancelled", Reason: "RevisionNotFound", Message: "stopped: gone", CompletionTime: ts(100)},
			{Name: "b", Phase: "Succeeded"},
		},
	}
	if diff := cmp.Diff(want, faulty(f, "RevisionNotFound", "gone")); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	f.Run.Spec.Cancelled = true
	for _, tt := range []struct {
		start   *metav1.Time
		message string
	}{{message: "cancelled before it started"}, {start: ts(1), message: "cancelled while it ran"}} {
		f.Run.Status.StartTime = tt.start
		got := faulty(f, "RevisionNotFound", "gone")
		if got.Phase != v1alpha1.RunCancelled || got.Conditions[0].Message != tt.message {
			t.Errorf("a cancelled Run is %s: %s, want Cancelled: %s", got.Phase, got.Conditions[0].Message, tt.message)
		}
	}
}

// A job that something keeps from starting doesn't count as running, and the
// cause, which stands at an error's end, isn't what is cut from a long one.
func TestMessageTellsWhatKeepsAJob(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b"))
	withJob(f, "a")
	withPod(f, "a", "runs")
	withJob(f, "b")
	withPod(f, "b", "pulls", waiting("ErrImagePull", strings.Repeat("x", 200)+": no such host"))
	got := plan.Decide(f).Status.Conditions[0].Message
	want := "0 of 2 jobs succeeded; running: a; starting: b; b: ImagePullBackOff: container main: can't pull image registry.example.com/app:1: " +
		strings.Repeat("x", 19) + "…" + strings.Repeat("x", 65) + ": no such host"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}
