package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// state is one that a job may stand still in, at second 100, because nobody does
// what comes next.
type state struct {
	name     string
	observed observation
	// says is what the job says of it in the end.
	reason, message string
	// ended is the reason that it fails with, and when, in minutes and seconds.
	// Blank: only the Run's own timeout ends it.
	ended string
	after time.Duration
}

const (
	pendingLimit = 10 * time.Minute
	jobLimit     = int64(20 * 60)
	// neverEnds is of what a person or a queue holds, and of a program without a
	// timeout.
	neverEnds = ""
)

// lostNode is a pod as the cluster shows it whose node has stopped answering: its
// status is the last that the kubelet has sent, but for what the node's
// controllers have added.
func lostNode(p *corev1.Pod) {
	p.Spec.Tolerations = []corev1.Toleration{
		{Key: corev1.TaintNodeNotReady, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300))},
		{Key: corev1.TaintNodeUnreachable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300))},
	}
	p.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue, LastTransitionTime: *ts(2)},
		{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, LastTransitionTime: *ts(1)},
		{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: *ts(40)},
		{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: *ts(2)},
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: *ts(1)},
		{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "DeletionByTaintManager",
			Message: "Taint manager: deleting due to NoExecute taint", LastTransitionTime: *ts(60),
		},
	}
	deleted(60)(p)
}

const (
	lost    = "pod pod was to end by 2026-03-01T12:01:30Z (DeletionByTaintManager), and its node hasn't said that it has; it may still run, so nothing takes its place; if that node is down for good: kubectl delete node node"
	removed = "pod pod was to end by 2026-03-01T12:01:30Z, and its node hasn't said that it has; it may still run, so nothing takes its place; if that node is down for good: kubectl delete node node"
)

func states() []state {
	counts := func(j *batchv1.Job) { j.Status.Active = 1 }
	indexed := func(j *batchv1.Job) {
		j.Spec.CompletionMode, j.Spec.Completions = new(batchv1.IndexedCompletion), new(int32(2))
	}
	gate := func(p *corev1.Pod) {
		unstarted(p)
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated, Message: "gated"}}
	}
	hanging := func(p *corev1.Pod) { exit(0, "Completed", 90)(p); sidecar(p) }
	failed := []podOption{exit(1, "Error", 90), podPhase(corev1.PodFailed)}
	said := map[string]plan.Refusal{"a": {Reason: "QuotaExceeded", Message: "full"}}
	mount := func(f *plan.Facts) {
		f.Explained = map[string]evidence.Why{"a": {Reason: "FailedMount", Message: "no volume"}}
	}
	return []state{
		{"no Job", notCreated(nil, said), "QuotaExceeded", "full", "QuotaExceeded", pendingLimit},
		{"no status", func(f *plan.Facts) { withJob(f, "a") }, "NotTakenUp", "no controller has taken up its Job", "NotTakenUp", 20*time.Second + pendingLimit},
		{"no controller", func(f *plan.Facts) { withJob(f, "a", managed) }, "NotTakenUp", "no controller has taken up its Job, which its template's managedBy leaves to kueue.x-k8s.io/multikueue", "NotTakenUp", pendingLimit},
		{"suspended", aJob(suspend), "Suspended", isSuspended, neverEnds, 0},
		{"no pod", aJob(), "AwaitingPod", "its Job has no pod, and its events don't say why", "AwaitingPod", pendingLimit},
		{"no pod, and events say why", all(aJob(), explained), "FailedCreate", "no room", "FailedCreate", pendingLimit},
		{"counts a pod that isn't there", aJob(counts), "AwaitingPod", "its Job counts a pod that isn't there", "AwaitingPod", pendingLimit},
		{"on no node", all(aJob(), aPod(unstarted)), "", "", "NotStarted", pendingLimit - 99*time.Second},
		{"fits on no node", all(aJob(), aPod(unstarted, unschedulable)), "Unschedulable", "no room", "Unschedulable", pendingLimit - 99*time.Second},
		{"gated", all(aJob(), aPod(gate)), "SchedulingGated", "gated", neverEnds, 0},
		{"its node doesn't begin", all(aJob(), aPod(unstarted, onNode)), "NodeSilent", "pod pod was given to node node, which has not begun with it", "NodeSilent", pendingLimit - 99*time.Second},
		{"no volume", all(aJob(), mount, aPod(stalled(10))), "FailedMount", "no volume", "FailedMount", pendingLimit - 99*time.Second},
		{"no image", all(aJob(), aPod(waiting("ErrImagePull", "not found"))), "ImagePullBackOff", cantPull, "ImagePullBackOff", pendingLimit - 99*time.Second},
		{"runs", all(aJob(counts), aPod()), "", "", neverEnds, 0},
		{"runs beyond its timeout", all(aJob(counts), aPod(deadline(jobLimit))), "", "", "TimedOut", 20*time.Minute + 30*time.Second + 2*time.Minute - 99*time.Second},
		{"its node is lost", all(aJob(), aPod(lostNode)), "NodeSilent", lost, "NodeSilent", pendingLimit - 10*time.Second},
		{"its node is lost, with a timeout", all(aJob(), aPod(lostNode, deadline(8*60))), "NodeSilent", lost, "TimedOut", 8*time.Minute - 99*time.Second},
		{"its node is lost, with retries", all(aJob(func(j *batchv1.Job) { j.Spec.BackoffLimit = new(int32(3)) }), aPod(lostNode)), "NodeSilent", lost, "NodeSilent", pendingLimit - 10*time.Second},
		{"its node is lost, of several pods", all(aJob(indexed), aPod(lostNode)), "NodeSilent", lost, "NodeSilent", pendingLimit - 10*time.Second},
		{"its node is lost before it began", all(aJob(), aPod(unstarted, onNode, deleted(60))), "NodeSilent", removed, "NodeSilent", pendingLimit - 10*time.Second},
		{"deleted, and its node is lost", all(aJob(), aPod(deleted(60))), "NodeSilent", removed, "NodeSilent", pendingLimit - 10*time.Second},
		{"deleted, on no node", all(aJob(), aPod(unstarted, deleted(60))), "NodeSilent", "pod pod was to end by 2026-03-01T12:01:30Z, and the cluster's pod garbage collector hasn't ended it", "NodeSilent", pendingLimit - 10*time.Second},
		{
			"its sidecar doesn't end", all(aJob(counts), aPod(hanging)), "NodeSilent",
			"pod pod was to end by 2026-03-01T12:02:00Z, and its node hasn't said that it has; it may still run, so nothing takes its place; if that node is down for good: kubectl delete node node", "NodeSilent", pendingLimit + 20*time.Second,
		},
		{
			"failed, and no verdict", all(aJob(counts), aPod(failed...)), "AwaitingPod",
			"pod pod has failed (container main exited with code 1), and the Job controller has neither ended its Job nor made another pod", "AwaitingPod", pendingLimit + 30*time.Second,
		},
		{
			"to fail", all(aJob(verdict(batchv1.JobFailureTarget, "PodFailurePolicy", "of exit code 1", 90)), aPod(failed...)), "AwaitingPod",
			"its Job is to end (FailureTarget: of exit code 1), and the Job controller hasn't ended it", "AwaitingPod", pendingLimit + 30*time.Second,
		},
		{
			"to be complete", all(aJob(indexed, verdict(batchv1.JobSuccessCriteriaMet, "CompletionsReached", "", 70)), aPod(exit(0, "Completed", 65), podPhase(corev1.PodSucceeded))), "AwaitingPod",
			"its Job is to end (SuccessCriteriaMet: CompletionsReached), and the Job controller hasn't ended it", "AwaitingPod", pendingLimit,
		},
		{
			"its Job is being deleted", aJob(func(j *batchv1.Job) { j.DeletionTimestamp, j.Finalizers = ts(80), []string{"foregroundDeletion"} }), "JobDeleted",
			"its Job is being deleted; finalizers hold it: foregroundDeletion", "JobDeleted", pendingLimit,
		},
		{"disrupted, and not replaced", all(aJob(), aPod(disrupted(60), podPhase(corev1.PodFailed), podReason("Evicted", "low on memory"))), "AwaitingPod", "pod pod has failed (low on memory), and the Job controller has neither ended its Job nor made another pod", "AwaitingPod", pendingLimit + 30*time.Second},
	}
}

// stands lets time go by until the Run has ended, and does what is decided, but
// nobody else does anything. It returns the last status of job `a` before that,
// and its end.
func stands(t *testing.T, f *plan.Facts) (before, after plan.Decision) {
	t.Helper()
	for range 300 {
		before, after = after, plan.Decide(f)
		for range 3 {
			if !after.Acts() {
				break
			}
			perform(f, &after)
			after = plan.Decide(f)
		}
		f.Run.Status = *after.Status.DeepCopy()
		if after.Status.Phase.Finished() {
			return before, after
		}
		if after.RequeueAfter == 0 {
			return after, after
		}
		f.Now = f.Now.Add(after.RequeueAfter)
	}
	t.Fatalf("it goes on and on: %+v", jobOf(after))
	return before, after
}

// startsNoMore fails unless nothing is left that could start a pod of a job that has
// ended, soon after that is recorded, and checks that there is an end to what is done
// for it. f.Now is when the job ended.
func startsNoMore(t *testing.T, f *plan.Facts) {
	t.Helper()
	ended := f.Now
	defer func() { f.Now = ended }()
	for range 10 {
		d := plan.Decide(f)
		perform(f, &d)
		if f.Run.Status = *d.Status.DeepCopy(); d.Step == plan.Nothing && d.RequeueAfter == 0 {
			break
		}
		f.Now = f.Now.Add(d.RequeueAfter)
	}
	if d := plan.Decide(f); d.Step != plan.Nothing || d.RequeueAfter > 0 {
		t.Errorf("it goes on and on: %+v, again after %s", actionsOf(d), d.RequeueAfter)
	}
	if took := f.Now.Sub(ended); took > defaultGraceAndMore+time.Second {
		t.Errorf("its Job is ended %s after it", took)
	}
	job := f.Jobs["a"]
	if job != nil && job.DeletionTimestamp == nil && (job.Spec.ActiveDeadlineSeconds == nil || *job.Spec.ActiveDeadlineSeconds > 0) {
		t.Errorf("its Job may start another pod: %+v", job.Spec)
	}
}

// givesNoAdvice fails if a job that has ended says what would let it go on.
func givesNoAdvice(t *testing.T, d plan.Decision) {
	t.Helper()
	if s := jobOf(d); strings.Contains(s.Message, "kubectl delete node") && s.Phase.Finished() {
		t.Errorf("it has ended, and says %q", s.Message)
	}
}

// A job that stands still says what it waits for, and ends by a clock. None is
// ever taken for a success.
func TestEveryStateOfAJobEndsByAClock(t *testing.T) {
	t.Parallel()
	for _, tt := range states() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			f.Spec.PendingTimeout = &metav1.Duration{Duration: pendingLimit}
			tt.observed(f)
			before, after := stands(t, f)
			if s := jobOf(before); s.Reason != tt.reason || s.Message != tt.message {
				t.Errorf("it says %s: %q\nwant %s: %q", s.Reason, s.Message, tt.reason, tt.message)
			}
			want := outcome{Phase: "Failed", Reason: tt.ended}
			if tt.ended == neverEnds {
				want = outcome{Phase: "Running", Reason: tt.reason}
			}
			s := jobOf(after)
			givesNoAdvice(t, after)
			if diff := cmp.Diff(want, outcome{Phase: s.Phase, Reason: s.Reason}); diff != "" {
				t.Errorf("it ends as (-want +got):\n%s", diff)
			}
			if tt.ended != neverEnds {
				startsNoMore(t, f)
			}
			if took := f.Now.Sub(at(100)); tt.ended != neverEnds && took.Truncate(time.Second) != tt.after {
				t.Errorf("it ends after %s, want %s", took, tt.after)
			}
		})
	}
}

// The Run's timeout ends all of them, although no node answers that a pod has been
// stopped.
func TestEveryStateOfAJobEndsByTheRunsTimeout(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Minute
	for _, tt := range states() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			f.Spec.Timeout = &metav1.Duration{Duration: limit}
			f.Run.Status.StartTime = ts(100)
			tt.observed(f)
			_, after := stands(t, f)
			if after.Status.Phase != "Failed" || after.Status.Conditions[0].Reason != "TimedOut" || jobOf(after).Phase != "Cancelled" {
				t.Errorf("the Run is %s, %s, and its job %+v", after.Status.Phase, after.Status.Conditions[0].Reason, jobOf(after))
			}
			if took := f.Now.Sub(at(100)).Truncate(time.Second); took > limit+defaultGraceAndMore {
				t.Errorf("it ends after %s", took)
			}
			givesNoAdvice(t, after)
			startsNoMore(t, f)
		})
	}
}

// defaultGraceAndMore is for how long a node that was told to stop a pod is
// waited for.
const defaultGraceAndMore = 30*time.Second + 2*time.Minute

// Finally jobs are bounded in the same way.
func TestAFinallyJobOnASilentNodeEnds(t *testing.T) {
	t.Parallel()
	f := facts(spec("b"), spec("a"))
	finallySince(90)(f)
	all(aJob(), aPod())(f)
	_, after := stands(t, f)
	want := outcome{"Failed", "TimedOut", "timed out while it ran: the finally jobs took longer than the finallyTimeout of 1m; node node hasn't said that pod pod has ended, which may still run"}
	if diff := cmp.Diff(want, outcomes(after)["a"]); diff != "" {
		t.Errorf("it ends as (-want +got):\n%s", diff)
	}
	if after.Status.Phase != "Cancelled" {
		t.Errorf("the Run is %s", after.Status.Phase)
	}
}
