package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// earlier is a finished Run, called first, with these jobs.
func earlier(jobs ...v1alpha1.JobStatus) *v1alpha1.Run {
	run := &v1alpha1.Run{Status: v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, Jobs: jobs}}
	run.Name = "first"
	return run
}

func past(name string, phase v1alpha1.JobPhase) v1alpha1.JobStatus {
	return v1alpha1.JobStatus{Name: name, Phase: phase, Job: "first-" + name, QueuedTime: ts(0), ScheduledTime: ts(0), StartTime: ts(1), CompletionTime: ts(2)}
}

// A retry of a chain with a side branch: what is taken over, by how the earlier
// Run went.
func TestReuse(t *testing.T) {
	t.Parallel()
	const ok, bad, skipped = v1alpha1.JobSucceeded, v1alpha1.JobFailed, v1alpha1.JobSkipped
	for name, tt := range map[string]struct {
		a, b, c, side v1alpha1.JobPhase
		reused, fresh []string
	}{
		"last one failed":             {ok, ok, bad, ok, []string{"a", "b", "side"}, []string{"c"}},
		"one in the middle failed":    {ok, bad, skipped, ok, []string{"a", "side"}, []string{"b"}},
		"first one failed":            {bad, skipped, skipped, ok, []string{"side"}, []string{"a"}},
		"all failed":                  {bad, skipped, skipped, bad, nil, []string{"a", "side"}},
		"cancelled":                   {ok, v1alpha1.JobCancelled, v1alpha1.JobCancelled, v1alpha1.JobCancelled, []string{"a"}, []string{"b", "side"}},
		"ran behind one that failed":  {ok, bad, ok, ok, []string{"a", "side"}, []string{"b"}},
		"ran behind one that skipped": {ok, skipped, ok, bad, []string{"a"}, []string{"b", "side"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"), spec("c", "b"), spec("side"))
			f.Run.Spec.RetryOf = "first"
			f.Source = earlier(past("a", tt.a), past("b", tt.b), past("c", tt.c), past("side", tt.side))
			d := plan.Decide(f)
			var reused []string
			for _, s := range d.Status.Jobs {
				if s.ReusedFrom == "" {
					continue
				}
				reused = append(reused, s.Name)
				want := past(s.Name, ok)
				want.ReusedFrom = "first"
				if diff := cmp.Diff(want, s); diff != "" {
					t.Errorf("status of a reused job (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tt.reused, reused); diff != "" {
				t.Errorf("reused (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.fresh, d.Create); diff != "" {
				t.Errorf("to create (-want +got):\n%s", diff)
			}
		})
	}
}

// Along the life of a retry: what was recorded once doesn't need the earlier Run
// any more, and the Run has started with its own first job.
func TestStatusOfARetry(t *testing.T) {
	t.Parallel()
	reused := past("a", v1alpha1.JobSucceeded)
	reused.ReusedFrom = "zeroth"
	f := facts(spec("a"), spec("b", "a"))
	f.Run.Spec.RetryOf = "first"
	f.Source = earlier(reused, past("b", v1alpha1.JobFailed))
	withJob(f, "b")
	running := v1alpha1.RunStatus{
		ObservedGeneration: 1, Phase: "Running", Number: 3, StartTime: ts(0),
		Conditions: condition("Unknown", "Running", "1 of 2 jobs succeeded (1 reused from first); running: b"),
		Jobs:       []v1alpha1.JobStatus{reused, {Name: "b", Phase: "Running", Job: "run-b", QueuedTime: ts(0)}},
	}
	first := plan.Decide(f)
	if diff := cmp.Diff(running, first.Status); diff != "" {
		t.Errorf("first status (-want +got):\n%s", diff)
	}

	f.Run.Status, f.Source = first.Status, nil
	second := plan.Decide(f)
	if diff := cmp.Diff(running, second.Status); diff != "" || second.Acts() {
		t.Errorf("acts again: %t; second status (-want +got):\n%s", second.Acts(), diff)
	}

	withPod(f, "b", "pod-b", exit(0, "Completed", 5))
	want := *running.DeepCopy()
	want.Phase, want.CompletionTime = "Succeeded", ts(100)
	want.Conditions = condition("True", "Succeeded", "2 of 2 jobs succeeded (1 reused from first)")
	want.Jobs[1].Phase, want.Jobs[1].ScheduledTime, want.Jobs[1].StartTime, want.Jobs[1].CompletionTime = "Succeeded", ts(1), ts(1), ts(5)
	if diff := cmp.Diff(want, plan.Decide(f).Status); diff != "" {
		t.Errorf("last status (-want +got):\n%s", diff)
	}
}

// A Run that waits for room has reused jobs, and has not started.
func TestRetryThatCannotStart(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b", "a"))
	f.Run.Spec.RetryOf = "first"
	f.Source = earlier(past("a", v1alpha1.JobSucceeded), past("b", v1alpha1.JobFailed))
	f.Deferred = map[string]plan.Refusal{"b": {Reason: v1alpha1.ReasonQuotaExceeded, Message: "no room"}}
	d := plan.Decide(f)
	if d.Status.Phase != v1alpha1.RunQueued || d.Status.StartTime != nil {
		t.Errorf("the Run is %s since %v, want Queued and not started", d.Status.Phase, d.Status.StartTime)
	}
	f.Run.Spec.Cancelled = true
	want := map[string]v1alpha1.JobPhase{"a": v1alpha1.JobSucceeded, "b": v1alpha1.JobCancelled}
	if diff := cmp.Diff(want, phases(plan.Decide(f))); diff != "" {
		t.Errorf("jobs of the cancelled Run (-want +got):\n%s", diff)
	}
}

// What a job left in a workspace or a service went with the earlier Run.
func TestRetryOfWhatIsGone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		arrange func(*plan.Facts)
		want    string
	}{
		{name: "workspace", arrange: func(f *plan.Facts) { f.Spec.Workspace = &v1alpha1.Workspace{MountPath: "/src"} }, want: "its workspace's files are its own"},
		{
			name: "service", arrange: func(f *plan.Facts) {
				f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
				recordService(f, v1alpha1.ServiceReady, "", "")
			}, want: "what its services held is gone",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			tt.arrange(f)
			f.Run.Spec.RetryOf = "first"
			f.Source = earlier(past("a", v1alpha1.JobSucceeded), past("b", v1alpha1.JobFailed))
			if diff := cmp.Diff([]string{"a"}, plan.Decide(f).Create); diff != "" {
				t.Errorf("to create (-want +got):\n%s", diff)
			}
			withJob(f, "a")
			d := plan.Decide(f)
			message := "0 of 2 jobs succeeded (none reused from first: " + tt.want + "); running: a"
			if diff := cmp.Diff(condition("Unknown", "Running", message), d.Status.Conditions); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}
