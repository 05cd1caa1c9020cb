package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

func taken(seconds int) jobOption {
	return func(j *batchv1.Job) { j.Status.StartTime = ts(seconds) }
}

// TestPodless asks, at second 100, which Jobs to ask for their events, and what
// a job shows that has been found unable to create its pod.
func TestPodless(t *testing.T) {
	t.Parallel()
	const why = `Error creating: pods "run-a-x7k2p" is forbidden: exceeded quota: small`
	running := outcome{Phase: "Running"}
	known := outcome{"Running", "FailedCreate", why}
	silent := outcome{"Running", "AwaitingPod", "its Job has no pod, and its events don't say why"}
	untaken := outcome{"Running", "NotTakenUp", "no controller has taken up its Job"}
	counts1 := func(j *batchv1.Job) { j.Status.Active = 1 }
	made := func(second int) jobOption { return func(j *batchv1.Job) { j.CreationTimestamp = *ts(second) } }
	beingDeleted := func(j *batchv1.Job) { j.DeletionTimestamp, j.Finalizers = ts(80), []string{"example.com/holds"} }
	before := outcome{"Running", "FailedCreate", "the first text"}
	long := strings.Repeat("x", 600)
	failed := func(second int) []podOption { return []podOption{exit(1, "Error", second), podPhase(corev1.PodFailed)} }
	for _, tt := range []struct {
		name     string
		recorded outcome
		job      []jobOption
		pod      []podOption
		why      string
		podless  bool
		want     outcome
		requeue  time.Duration
	}{
		{name: "not taken up yet", want: running, requeue: 20 * time.Second},
		{name: "not taken up", job: []jobOption{made(-20)}, want: untaken, requeue: time.Hour},
		{name: "not taken up by another controller", job: []jobOption{managed}, want: outcome{"Running", "NotTakenUp", untaken.Message + ", which its template's managedBy leaves to kueue.x-k8s.io/multikueue"}, requeue: time.Hour},
		{name: "resumed, and not taken up yet", recorded: outcome{"Running", "Suspended", "by a queue"}, job: []jobOption{made(-9999)}, want: running, requeue: 30 * time.Second},
		{name: "being deleted", job: []jobOption{taken(70), beingDeleted}, podless: true, want: outcome{"Running", "JobDeleted", "its Job is being deleted; finalizers hold it: example.com/holds"}, requeue: time.Hour},
		{name: "to fail", job: []jobOption{taken(70), verdict(batchv1.JobFailureTarget, "PodFailurePolicy", "the text", 80)}, podless: true, want: outcome{"Running", "AwaitingPod", "its Job is to end (FailureTarget: the text), and the Job controller hasn't ended it"}, requeue: 30 * time.Second},
		{name: "failed, and no verdict", job: []jobOption{taken(1), counts1}, pod: failed(60), want: outcome{"Running", "AwaitingPod", "pod pod has failed (container main exited with code 1), and the Job controller has neither ended its Job nor made another pod"}, requeue: 30 * time.Second},
		{name: "counts a pod that is gone", job: []jobOption{taken(70), counts1}, want: outcome{"Running", "AwaitingPod", "its Job counts a pod that isn't there"}, requeue: 30 * time.Second},
		{name: "just taken up", job: []jobOption{taken(71)}, want: running, requeue: time.Second},
		{name: "long without a pod", job: []jobOption{taken(70)}, podless: true, want: silent, requeue: 30 * time.Second},
		{name: "the reason is found", job: []jobOption{taken(70)}, why: why, podless: true, want: known, requeue: time.Hour},
		{name: "a long text", job: []jobOption{taken(70)}, why: long, podless: true, want: outcome{"Running", "FailedCreate", long[:511] + "…"}, requeue: time.Hour},
		{name: "the reason is known", recorded: before, job: []jobOption{taken(70)}, want: before, requeue: time.Hour},
		{name: "no reason was found before", recorded: silent, job: []jobOption{taken(70)}, why: why, podless: true, want: known, requeue: time.Hour},
		{name: "the reason has another name", recorded: before, job: []jobOption{taken(70)}, why: "another", want: outcome{"Running", "FailedCreate", "the first text"}, requeue: time.Hour},
		{name: "a pod is made, and not seen yet", recorded: before, job: []jobOption{taken(70), counts1}, want: running, requeue: 30 * time.Second},
		{name: "a pod is there", recorded: before, job: []jobOption{taken(70)}, pod: []podOption{unstarted}, want: running, requeue: time.Hour - 99*time.Second},
		{name: "an attempt has just failed", job: []jobOption{taken(1)}, pod: failed(80), want: running, requeue: 20 * time.Second},
		{name: "no pod for the next attempt", job: []jobOption{taken(1)}, pod: failed(60), why: why, podless: true, want: known, requeue: time.Hour},
		{name: "suspended", job: []jobOption{taken(70), suspend}, want: outcome{"Running", "Suspended", "its Job is suspended: it waits in a queue, or somebody holds it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			if tt.recorded.Phase != "" {
				record(f, "a", tt.recorded.Phase)
				f.Run.Status.Jobs[0].Reason, f.Run.Status.Jobs[0].Message = tt.recorded.Reason, tt.recorded.Message
			}
			withJob(f, "a", tt.job...)
			if tt.pod != nil {
				withPod(f, "a", "pod", tt.pod...)
			}
			if diff := cmp.Diff(asks(tt.podless, "a", "job-a"), asked(f)); diff != "" {
				t.Errorf("asks for the events of (-want +got):\n%s", diff)
			}
			f.Explained = map[string]evidence.Why{}
			if tt.why != "" {
				f.Explained["a"] = evidence.Why{Reason: "FailedCreate", Message: tt.why}
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if d.RequeueAfter != tt.requeue {
				t.Errorf("requeue after %s, want %s", d.RequeueAfter, tt.requeue)
			}
			f.Run.Status = *d.Status.DeepCopy()
			if again := plan.Decide(f); again.Step != plan.Nothing {
				t.Errorf("once that is recorded, it comes to %+v (%q)", outcomes(again)["a"], again.Step)
			}
		})
	}
}

// A Job that a queue resumes hours later has its turn from then on, at each look.
func TestResumedJobHasItsTurn(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	record(f, "a", "Running")
	f.Run.Status.Jobs[0].Reason, f.Run.Status.Jobs[0].Message = "Suspended", "by a queue"
	withJob(f, "a", func(j *batchv1.Job) { j.CreationTimestamp = *ts(-9999) })
	for _, want := range []outcome{{Phase: "Running"}, {Phase: "Running"}, {Phase: "Running"}, {Phase: "Running"}, {"Running", "NotTakenUp", "no controller has taken up its Job"}} {
		d := plan.Decide(f)
		if diff := cmp.Diff(want, outcomes(d)["a"]); diff != "" {
			t.Fatalf("at %s (-want +got):\n%s", f.Now, diff)
		}
		f.Run.Status = *d.Status.DeepCopy()
		f.Now = f.Now.Add(d.RequeueAfter)
	}
}

// asks is what Unexplained returns if there is one to ask, asked what it does
// return.
func asks(one bool, job string, uid types.UID) map[string]types.UID {
	if !one {
		return map[string]types.UID{}
	}
	return map[string]types.UID{job: uid}
}

func asked(f *plan.Facts) map[string]types.UID {
	found := map[string]types.UID{}
	for _, ask := range f.Unexplained() {
		found[ask.Job] = ask.UID
	}
	return found
}
