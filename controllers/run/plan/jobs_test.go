package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

func TestReadiness(t *testing.T) {
	t.Parallel()
	diamond := []v1alpha1.Job{spec("a"), spec("b", "a"), spec("c", "a"), spec("d", "b", "c"), spec("e", "d")}
	const (
		waiting, running   = v1alpha1.JobWaiting, v1alpha1.JobRunning
		succeeded, failed  = v1alpha1.JobSucceeded, v1alpha1.JobFailed
		skipped, cancelled = v1alpha1.JobSkipped, v1alpha1.JobCancelled
	)
	for _, tt := range []struct {
		name       string
		jobs       []v1alpha1.Job
		recorded   map[string]v1alpha1.JobPhase
		wantCreate []string
		want       map[string]v1alpha1.JobPhase
	}{
		{
			name: "the first alone", jobs: diamond, wantCreate: []string{"a"},
			want: map[string]v1alpha1.JobPhase{"a": waiting, "b": waiting, "c": waiting, "d": waiting, "e": waiting},
		},
		{
			name: "both branches", jobs: diamond, recorded: map[string]v1alpha1.JobPhase{"a": succeeded}, wantCreate: []string{"b", "c"},
			want: map[string]v1alpha1.JobPhase{"a": succeeded, "b": waiting, "c": waiting, "d": waiting, "e": waiting},
		},
		{
			name: "one branch is not enough", jobs: diamond, recorded: map[string]v1alpha1.JobPhase{"a": succeeded, "b": succeeded, "c": running},
			want: map[string]v1alpha1.JobPhase{"a": succeeded, "b": succeeded, "c": running, "d": waiting, "e": waiting},
		},
		{
			name: "a failure skips what depends on it, at any distance", jobs: diamond, recorded: map[string]v1alpha1.JobPhase{"a": succeeded, "b": failed, "c": running},
			want: map[string]v1alpha1.JobPhase{"a": succeeded, "b": failed, "c": running, "d": skipped, "e": skipped},
		},
		{
			name: "a failure leaves others alone", jobs: []v1alpha1.Job{spec("a"), spec("b"), spec("c", "b")},
			recorded: map[string]v1alpha1.JobPhase{"a": failed, "b": succeeded}, wantCreate: []string{"c"},
			want: map[string]v1alpha1.JobPhase{"a": failed, "b": succeeded, "c": waiting},
		},
		{
			name: "a job cancelled skips what depends on it", jobs: []v1alpha1.Job{spec("a"), spec("b", "a")},
			recorded: map[string]v1alpha1.JobPhase{"a": cancelled},
			want:     map[string]v1alpha1.JobPhase{"a": cancelled, "b": skipped},
		},
		{
			name: "an unknown need never starts", jobs: []v1alpha1.Job{spec("a", "ghost")},
			want: map[string]v1alpha1.JobPhase{"a": skipped},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(tt.jobs...)
			for _, job := range tt.jobs {
				if phase, ok := tt.recorded[job.Name]; ok {
					record(f, job.Name, phase)
				}
				if tt.recorded[job.Name] == running {
					withJob(f, job.Name)
				}
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.wantCreate, d.Create); diff != "" {
				t.Errorf("create (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, phases(d)); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJobsWithoutJob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		arrange func(*plan.Facts)
		want    map[string]outcome
		requeue bool
	}{
		{
			name: "waits for needs", arrange: func(f *plan.Facts) {
				withJob(f, "a")
				withPod(f, "a", "pod")
			},
			want: map[string]outcome{"a": {Phase: "Running"}, "b": {"Waiting", "AwaitingNeeds", "needs a"}},
		},
		{
			name: "skipped with the need's name", arrange: func(f *plan.Facts) { record(f, "a", v1alpha1.JobFailed) },
			want: map[string]outcome{"a": {Phase: "Failed"}, "b": {"Skipped", "NeedsFailed", "needs a, which failed"}},
		},
		{
			name: "recorded and unseen: no verdict and no second Job", arrange: func(f *plan.Facts) { record(f, "a", v1alpha1.JobRunning) },
			want: map[string]outcome{"a": {Phase: "Running"}, "b": {"Waiting", "AwaitingNeeds", "needs a"}},
		},
		{
			name: "recorded and gone", arrange: func(f *plan.Facts) {
				record(f, "a", v1alpha1.JobRunning)
				f.Missing = map[string]bool{"a": true}
			},
			want: map[string]outcome{
				"a": {"Failed", "JobDeleted", "its Job was deleted before it had ended"},
				"b": {"Skipped", "NeedsFailed", "needs a, which failed"},
			},
		},
		{
			name: "refused", arrange: func(f *plan.Facts) {
				f.Refused = map[string]plan.Refusal{"a": {Reason: "Rejected", Message: "denied by policy"}}
			},
			want: map[string]outcome{
				"a": {"Failed", "Rejected", "denied by policy"},
				"b": {"Skipped", "NeedsFailed", "needs a, which failed"},
			},
		},
		{
			name: "no room now", arrange: func(f *plan.Facts) {
				f.Deferred = map[string]plan.Refusal{"a": {Reason: "QuotaExceeded", Message: "used: 5"}}
			},
			want: map[string]outcome{
				"a": {"Waiting", "QuotaExceeded", "used: 5"},
				"b": {"Waiting", "AwaitingNeeds", "needs a"},
			},
			requeue: true,
		},
		{
			name: "still no room: the first text stays", arrange: func(f *plan.Facts) {
				f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "a", Phase: "Waiting", Reason: "QuotaExceeded", Message: "used: 5"}}
				f.Deferred = map[string]plan.Refusal{"a": {Reason: "QuotaExceeded", Message: "used: 6"}}
			},
			want: map[string]outcome{
				"a": {"Waiting", "QuotaExceeded", "used: 5"},
				"b": {"Waiting", "AwaitingNeeds", "needs a"},
			},
			requeue: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			tt.arrange(f)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			if len(d.Create) > 0 {
				t.Errorf("creates %v, want none", d.Create)
			}
			if (d.RequeueAfter > 0) != tt.requeue {
				t.Errorf("requeue after %s, want one: %t", d.RequeueAfter, tt.requeue)
			}
		})
	}
}
