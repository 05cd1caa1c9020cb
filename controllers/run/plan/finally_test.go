package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

func finally(name string, needs ...string) v1alpha1.Job {
	job := spec(name, needs...)
	job.Finally = true
	return job
}

// tidied is a Run of two jobs that run, and of one that cleans up behind them.
func tidied() *plan.Facts {
	f := facts(spec("a"), spec("b"), finally("tidy"))
	for _, name := range []string{"a", "b"} {
		withJob(f, name)
		withPod(f, name, "pod-"+name)
	}
	return f
}

// decide decides, and has the status read back.
func decide(f *plan.Facts) plan.Decision {
	d := plan.Decide(f)
	f.Run.Status = *d.Status.DeepCopy()
	return d
}

// succeed, failJob and stopJob end the pod of a job, and its Job.
func succeed(f *plan.Facts, job string) {
	pod := &f.Pods[job][0]
	exit(0, "Completed", 90)(pod)
	pod.Status.Phase = corev1.PodSucceeded
}

func failJob(f *plan.Facts, job string) {
	pod := &f.Pods[job][0]
	exit(1, "Error", 90)(pod)
	pod.Status.Phase = corev1.PodFailed
	backoffLimit(95)(f.Jobs[job])
}

func stopJob(f *plan.Facts, job string) {
	pod := &f.Pods[job][0]
	pod.Status.Phase, pod.Status.Reason, pod.Spec.ActiveDeadlineSeconds = corev1.PodFailed, "DeadlineExceeded", new(int64(1))
	backoffLimit(95)(f.Jobs[job])
}

// runEnd is how a Run has ended.
type runEnd struct {
	phase           v1alpha1.RunPhase
	reason, message string
}

// endOf returns how the Run of these facts, which stay as they are, ends when its
// finally job has ended so.
func endOf(f *plan.Facts, end func(*plan.Facts, string)) runEnd {
	g := *f
	g.Run, g.Pods, g.Jobs = f.Run.DeepCopy(), copied(f.Pods), map[string]*batchv1.Job{"tidy": f.Jobs["tidy"].DeepCopy(), "a": f.Jobs["a"], "b": f.Jobs["b"]}
	end(&g, "tidy")
	decide(&g)
	decide(&g) // Services end when the jobs are known to.
	got := g.Run.Status
	return runEnd{got.Phase, got.Conditions[0].Reason, got.Conditions[0].Message}
}

// checkRecords checks that the Run records that others have failed or were stopped
// before a finally job is told so.
func checkRecords(t *testing.T, f *plan.Facts) {
	t.Helper()
	if d := decide(f); d.Step != plan.Record {
		t.Errorf("it creates %v, and its step is %q", d.Create, d.Step)
	}
}

// checkTooLate checks that nothing stops finally jobs which run: whatever comes
// now comes too late.
func checkTooLate(t *testing.T, f *plan.Facts) {
	t.Helper()
	f.Run.Spec.Cancelled, f.Now = true, at(200)
	if f.Spec.Timeout == nil {
		f.Spec.Timeout = &metav1.Duration{Duration: time.Second}
	}
	if d := decide(f); d.Acts() || d.Status.Phase != v1alpha1.RunRunning || d.RequeueAfter != 500*time.Second {
		t.Errorf("too late it asks for %+v and another look after %s: %+v", actionsOf(d), d.RequeueAfter, d.Status)
	}
}

// What ends a Run, and how it ends when the finally job has succeeded or failed.
// Only a Run that would have succeeded is changed by it.
func TestFinally(t *testing.T) {
	t.Parallel()
	const failed = "job b failed: Error: container main exited with code 1"
	for _, tt := range []struct {
		name string
		// begin is what ends the Run, and end what the jobs come to for it.
		begin, end func(*plan.Facts)
		// meanwhile is the Run's reason and message while the finally job runs.
		reason, meanwhile string
		passed, broke     runEnd
	}{
		{
			name: "success", end: func(f *plan.Facts) { succeed(f, "a"); succeed(f, "b") },
			reason: "Running", meanwhile: "2 of 3 jobs succeeded; running: tidy",
			passed: runEnd{"Succeeded", "Succeeded", "3 of 3 jobs succeeded"},
			broke:  runEnd{"Failed", "JobFailed", "job tidy failed: Error: container main exited with code 1; 2 of 3 jobs succeeded"},
		},
		{
			name: "failure", end: func(f *plan.Facts) { succeed(f, "a"); failJob(f, "b") },
			reason: "Running", meanwhile: "1 of 3 jobs succeeded; failed: b; running: tidy",
			passed: runEnd{"Failed", "JobFailed", failed + "; 2 of 3 jobs succeeded"},
			broke:  runEnd{"Failed", "JobFailed", failed + "; also failed: tidy; 1 of 3 jobs succeeded"},
		},
		{
			name: "cancelled", begin: func(f *plan.Facts) { f.Run.Spec.Cancelled = true },
			end:    func(f *plan.Facts) { succeed(f, "a"); stopJob(f, "b") },
			reason: "Cancelling", meanwhile: "cancelled; 1 of 3 jobs succeeded; running: tidy",
			passed: runEnd{"Cancelled", "Cancelled", "cancelled; 2 of 3 jobs succeeded"},
			broke:  runEnd{"Cancelled", "Cancelled", "cancelled; 1 of 3 jobs succeeded; failed: tidy"},
		},
		{
			name: "timeout", begin: func(f *plan.Facts) { f.Spec.Timeout = &metav1.Duration{Duration: 90 * time.Second} },
			end:    func(f *plan.Facts) { stopJob(f, "a"); stopJob(f, "b") },
			reason: "TimingOut", meanwhile: "timed out: the Run took longer than its timeout of 1m30s; 0 of 3 jobs succeeded; running: tidy",
			passed: runEnd{"Failed", "TimedOut", "timed out: the Run took longer than its timeout of 1m30s; 1 of 3 jobs succeeded"},
			broke:  runEnd{"Failed", "TimedOut", "timed out: the Run took longer than its timeout of 1m30s; 0 of 3 jobs succeeded; failed: tidy"},
		},
		{
			name:   "replaced",
			begin:  func(f *plan.Facts) { f.Place = &queue.Place{Key: "k", Admitted: true, ReplacedBy: "newer"} },
			end:    func(f *plan.Facts) { stopJob(f, "a"); stopJob(f, "b") },
			reason: "Replacing", meanwhile: `replaced: run newer of key "k" is newer; 0 of 3 jobs succeeded; running: tidy`,
			passed: runEnd{"Cancelled", "Replaced", `replaced: run newer of key "k" is newer; 1 of 3 jobs succeeded`},
			broke:  runEnd{"Cancelled", "Replaced", `replaced: run newer of key "k" is newer; 0 of 3 jobs succeeded; failed: tidy`},
		},
		{
			name: "first failure", begin: func(f *plan.Facts) { f.Spec.FailFast = true; failJob(f, "b") },
			end:    func(f *plan.Facts) { stopJob(f, "a") },
			reason: "JobFailed", meanwhile: "stopped: " + failed + "; 0 of 3 jobs succeeded; running: tidy",
			passed: runEnd{"Failed", "JobFailed", "stopped: " + failed + "; 1 of 3 jobs succeeded"},
			broke:  runEnd{"Failed", "JobFailed", "stopped: " + failed + "; 0 of 3 jobs succeeded; failed: tidy"},
		},
		{
			name: "lost service", begin: func(f *plan.Facts) {
				f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
				f.Run.Status.Services = []v1alpha1.ServiceStatus{{Name: "db", Phase: "Failed", Reason: "Error", Message: "lost"}}
				f.ServicesGone = map[string]bool{"db": true}
			},
			end:    func(f *plan.Facts) { stopJob(f, "a"); stopJob(f, "b") },
			reason: "ServiceFailed", meanwhile: "stopped: service db failed: Error: lost; 0 of 3 jobs succeeded; running: tidy",
			passed: runEnd{"Failed", "ServiceFailed", "stopped: service db failed: Error: lost; 1 of 3 jobs succeeded"},
			broke:  runEnd{"Failed", "ServiceFailed", "stopped: service db failed: Error: lost; 0 of 3 jobs succeeded; failed: tidy"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := tidied()
			if tt.begin != nil {
				tt.begin(f)
			}
			for range 2 {
				if d := decide(f); len(d.Create) > 0 {
					t.Fatalf("while others run it creates %v", d.Create)
				}
			}
			tt.end(f)
			if tt.passed.phase != v1alpha1.RunSucceeded {
				checkRecords(t, f)
			}
			if diff := cmp.Diff([]string{"tidy"}, plan.Decide(f).Create); diff != "" {
				t.Fatalf("create (-want +got):\n%s", diff)
			}
			withJob(f, "tidy")
			withPod(f, "tidy", "pod-tidy")
			d := decide(f)
			if diff := cmp.Diff(condition("Unknown", tt.reason, tt.meanwhile), d.Status.Conditions); d.Status.Phase != v1alpha1.RunRunning || d.Acts() || diff != "" {
				t.Errorf("meanwhile %s, asks for %+v, condition (-want +got):\n%s", d.Status.Phase, actionsOf(d), diff)
			}
			checkTooLate(t, f)
			want, got := []runEnd{tt.passed, tt.broke}, []runEnd{endOf(f, succeed), endOf(f, failJob)}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(runEnd{})); diff != "" {
				t.Errorf("the Run's ends, when the finally job has succeeded and failed (-want +got):\n%s", diff)
			}
		})
	}
}

func copied(pods map[string][]corev1.Pod) map[string][]corev1.Pod {
	all := map[string][]corev1.Pod{}
	for name, list := range pods {
		for i := range list {
			all[name] = append(all[name], *list[i].DeepCopy())
		}
	}
	return all
}

// A Run that has started nothing has nothing to clean up behind.
func TestFinallyOfARunThatHasNotStarted(t *testing.T) {
	t.Parallel()
	cancelled := outcome{"Cancelled", "Cancelled", "cancelled before it started"}
	f := facts(spec("a"), finally("tidy"))
	f.Run.Spec.Cancelled = true
	d := decide(f)
	if diff := cmp.Diff(map[string]outcome{"a": cancelled, "tidy": cancelled}, outcomes(d)); d.Status.Phase != v1alpha1.RunCancelled || diff != "" {
		t.Errorf("%s, jobs (-want +got):\n%s", d.Status.Phase, diff)
	}
	if d.Status.FinallyStartTime != nil {
		t.Error("its finally jobs could start")
	}

	f = facts(spec("a"), finally("tidy"))
	f.Place = &queue.Place{Key: "k", Position: 1, InTheWay: []string{"other"}}
	f.Source = &v1alpha1.Run{Status: v1alpha1.RunStatus{Jobs: []v1alpha1.JobStatus{{Name: "a", Phase: "Succeeded"}, {Name: "tidy", Phase: "Succeeded"}}}}
	if d := decide(f); len(d.Create) > 0 || d.Status.Phase != v1alpha1.RunQueued || d.Status.FinallyStartTime != nil {
		t.Errorf("a Run that waits creates %v: %+v", d.Create, d.Status)
	}
	// What another Run has cleaned up doesn't count: this one comes after it.
	f.Place = nil
	if diff := cmp.Diff([]string{"tidy"}, decide(f).Create); diff != "" {
		t.Errorf("create (-want +got):\n%s", diff)
	}
}

// The time of the finally jobs counts from the end of the others, whatever has
// kept them. What has not ended then has failed.
func TestFinallyTimeout(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), finally("tidy"), finally("tell"), finally("last", "tell"))
	f.Spec.FinallyTimeout = &metav1.Duration{Duration: time.Minute}
	withJob(f, "a")
	withPod(f, "a", "pod-a", exit(0, "Completed", 40))
	f.Deferred = map[string]plan.Refusal{"tell": {Reason: v1alpha1.ReasonQuotaExceeded, Message: "no room", After: time.Hour}}
	withJob(f, "tidy")
	withPod(f, "tidy", "pod-tidy")
	if d := decide(f); d.RequeueAfter != time.Minute || !d.Status.FinallyStartTime.Equal(ts(100)) {
		t.Errorf("another look after %s, could start at %v", d.RequeueAfter, d.Status.FinallyStartTime)
	}
	f.Now = at(160)
	d := decide(f)
	want := actions{StopPods: []types.NamespacedName{{Namespace: "ci", Name: "pod-tidy"}}}
	if diff := cmp.Diff(want, actionsOf(d)); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	stopJob(f, "tidy")
	decide(f)
	const why = ": the finally jobs took longer than the finallyTimeout of 1m"
	wanted := map[string]outcome{
		"a": {Phase: "Succeeded"}, "tidy": {"Failed", "TimedOut", "timed out while it ran" + why},
		"tell": {"Failed", "TimedOut", "timed out before it started" + why + "; no room"}, "last": {"Failed", "TimedOut", "timed out before it started" + why},
	}
	if diff := cmp.Diff(wanted, outcomes(plan.Decision{Status: f.Run.Status})); f.Run.Status.Phase != v1alpha1.RunFailed || diff != "" {
		t.Errorf("%s, jobs (-want +got):\n%s", f.Run.Status.Phase, diff)
	}
}

// A finally job sees all other jobs, and the finally jobs that it needs.
func TestFinallyConditions(t *testing.T) {
	t.Parallel()
	for condition, starts := range map[string][2]bool{ // behind a success, behind a failure
		"":                             {true, true},
		"always()":                     {true, true},
		"success()":                    {true, false},
		"failure()":                    {false, true},
		"jobs.b.phase == 'Failed'":     {false, false}, // success() stands before it
		"jobs.b.phase != 'Skipped'":    {true, false},
		"jobs.exists(j, j == 'first')": {true, false},
	} {
		for i, phase := range []v1alpha1.JobPhase{v1alpha1.JobSucceeded, v1alpha1.JobFailed} {
			last := when(condition, "last", "first")
			last.Finally = true
			f := facts(spec("a"), spec("b", "a"), finally("first"), finally("other"), last)
			f.Expressions = expressions(t)
			record(f, "a", v1alpha1.JobSucceeded)
			record(f, "b", phase)
			record(f, "first", v1alpha1.JobWaiting)
			record(f, "other", v1alpha1.JobFailed)
			if diff := cmp.Diff([]string{"first"}, plan.Decide(f).Create); diff != "" {
				t.Errorf("%q: create (-want +got):\n%s", condition, diff)
			}
			f.Run.Status.Jobs[2].Phase = v1alpha1.JobSucceeded
			d := plan.Decide(f)
			if got := len(d.Create) > 0; got != starts[i] {
				t.Errorf("%q starts behind a job that has %s: %t, want %t: %v", condition, phase, got, starts[i], outcomes(d)["last"])
			}
		}
	}
}
