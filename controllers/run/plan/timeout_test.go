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
)

// TestRunTimeout decides, at second 100, about a Run whose first Job was made at
// second 0. Job `b` needs job `a`.
func TestRunTimeout(t *testing.T) {
	t.Parallel()
	const why = "the Run took longer than its timeout of 1m30s"
	pod := []types.NamespacedName{{Namespace: "ci", Name: "pod"}}
	stopped := []podOption{deadline(1), exit(143, "Error", 95), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", "")}
	neverStarted := outcome{"Cancelled", "TimedOut", "timed out before it started: " + why}
	whileItRan := outcome{"Cancelled", "TimedOut", "timed out while it ran: " + why}
	awaiting := outcome{"Waiting", "AwaitingNeeds", "needs a"}
	for _, tt := range []struct {
		name            string
		timeout         time.Duration
		arrange         func(*plan.Facts)
		stop            []types.NamespacedName
		end             []string
		a, b            outcome
		phase           v1alpha1.RunPhase
		reason, message string
		requeue         time.Duration
	}{
		{
			name: "in time", timeout: 130 * time.Second, arrange: func(f *plan.Facts) { withJob(f, "a"); withPod(f, "a", "pod") },
			a: outcome{Phase: "Running"}, b: awaiting, phase: "Running", reason: "Running",
			message: "0 of 2 jobs succeeded; running: a", requeue: 30 * time.Second,
		},
		{
			name: "queued for longer", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) {
				f.Run.CreationTimestamp = *ts(0)
				f.Deferred = map[string]plan.Refusal{"a": {Reason: "QuotaExceeded", Message: "full"}}
			},
			a: outcome{"Waiting", "QuotaExceeded", "full"}, b: awaiting, phase: "Queued", reason: "Queued",
			message: "no job has started; a: QuotaExceeded: full", requeue: 15 * time.Second,
		},
		{
			name: "a pod runs", timeout: 90 * time.Second, arrange: func(f *plan.Facts) { withJob(f, "a"); withPod(f, "a", "pod") },
			stop: pod, a: outcome{Phase: "Running"}, b: neverStarted, phase: "Running", reason: "TimingOut",
			message: "stopping a: " + why, requeue: 150 * time.Second,
		},
		{
			name: "the pod has ended", timeout: 90 * time.Second, arrange: func(f *plan.Facts) { withJob(f, "a"); withPod(f, "a", "pod", stopped...) },
			end: []string{"a"}, a: outcome{Phase: "Running"}, b: neverStarted, phase: "Running", reason: "TimingOut",
			message: "stopping a: " + why,
		},
		{
			name: "nothing runs", timeout: 90 * time.Second, arrange: func(f *plan.Facts) { withJob(f, "a", toEnd); withPod(f, "a", "pod", stopped...) },
			a: whileItRan, b: neverStarted, phase: "Failed", reason: "TimedOut", message: "timed out: " + why + "; 0 of 2 jobs succeeded",
		},
		{
			name: "the Job has failed of it", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) { withJob(f, "a", backoffLimit(96)); withPod(f, "a", "pod", stopped...) },
			a:       whileItRan, b: neverStarted, phase: "Failed", reason: "TimedOut", message: "timed out: " + why + "; 0 of 2 jobs succeeded",
		},
		{
			name: "the job's own timeout came first", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) {
				withJob(f, "a", backoffLimit(89))
				withPod(f, "a", "pod", append(stopped, deadline(60))...)
			},
			a: outcome{"Failed", "TimedOut", "stopped after its timeout of 1m"}, b: neverStarted, phase: "Failed", reason: "TimedOut",
			message: "timed out: " + why + "; 0 of 2 jobs succeeded",
		},
		{
			name: "all had ended", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) {
				for _, name := range []string{"a", "b"} {
					withJob(f, name)
					withPod(f, name, name, exit(0, "Completed", 80))
				}
			},
			a: outcome{Phase: "Succeeded"}, b: outcome{Phase: "Succeeded"}, phase: "Succeeded", reason: "Succeeded", message: "2 of 2 jobs succeeded",
		},
		{
			name: "cancelled first", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) {
				f.Run.Spec.Cancelled = true
				f.Run.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Reason: "Cancelling"}}
				withJob(f, "a", toEnd)
			},
			a: outcome{"Cancelled", "Cancelled", "cancelled before it started"}, b: outcome{"Cancelled", "Cancelled", "cancelled before it started"},
			phase: "Cancelled", reason: "Cancelled", message: "cancelled; 0 of 2 jobs succeeded",
		},
		{
			name: "cancelled while its pods are stopped", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) {
				f.Run.Spec.Cancelled = true
				f.Run.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Reason: "TimingOut"}}
				withJob(f, "a", toEnd)
			},
			a: neverStarted, b: neverStarted, phase: "Failed", reason: "TimedOut", message: "timed out: " + why + "; 0 of 2 jobs succeeded",
		},
		{
			name: "being stopped, and in time by a clock that is behind", timeout: 130 * time.Second,
			arrange: func(f *plan.Facts) {
				f.Run.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Reason: "TimingOut"}}
				withJob(f, "a", toEnd)
			},
			a: outcome{"Cancelled", "TimedOut", "timed out before it started: the Run took longer than its timeout of 2m10s"},
			b: outcome{"Cancelled", "TimedOut", "timed out before it started: the Run took longer than its timeout of 2m10s"}, phase: "Failed", reason: "TimedOut",
			message: "timed out: the Run took longer than its timeout of 2m10s; 0 of 2 jobs succeeded",
		},
		{
			name: "started earlier than its Jobs tell", timeout: 90 * time.Second,
			arrange: func(f *plan.Facts) {
				f.Run.Status.StartTime = ts(0)
				record(f, "a", v1alpha1.JobSucceeded)
				withJob(f, "b", func(j *batchv1.Job) { j.CreationTimestamp = *ts(60) })
				withPod(f, "b", "pod")
			},
			stop: pod, a: outcome{Phase: "Succeeded"}, b: outcome{Phase: "Running"}, phase: "Running", reason: "TimingOut",
			message: "stopping b: " + why, requeue: 150 * time.Second,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Spec.Timeout = &metav1.Duration{Duration: tt.timeout}
			tt.arrange(f)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.stop, d.StopPods); diff != "" {
				t.Errorf("stop (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.end, d.EndJobs); diff != "" {
				t.Errorf("end (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]outcome{"a": tt.a, "b": tt.b}, outcomes(d)); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			c := d.Status.Conditions[0]
			got := []string{string(d.Status.Phase), c.Reason, c.Message}
			if diff := cmp.Diff([]string{string(tt.phase), tt.reason, tt.message}, got); diff != "" {
				t.Errorf("Run (-want +got):\n%s", diff)
			}
			if d.RequeueAfter != tt.requeue {
				t.Errorf("another look after %s, want %s", d.RequeueAfter, tt.requeue)
			}
		})
	}
}

// The Run's deadline counts from the first Job, which is known before it is
// recorded.
func TestRunTimeoutBeforeTheFirstRecord(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b"))
	f.Spec.Timeout = &metav1.Duration{Duration: 90 * time.Second}
	withJob(f, "a", func(j *batchv1.Job) { j.CreationTimestamp = *ts(9) })
	withJob(f, "b", func(j *batchv1.Job) { j.CreationTimestamp = *ts(11) })
	withPod(f, "a", "pod-a")
	withPod(f, "b", "pod-b")
	f.Now = at(98)
	if d := plan.Decide(f); d.RequeueAfter != time.Second || len(d.StopPods) > 0 {
		t.Errorf("at second 98 stops %v and looks again after %s, want nothing and 1s", d.StopPods, d.RequeueAfter)
	}
	f.Now = at(99)
	if d := plan.Decide(f); len(d.StopPods) != 2 {
		t.Errorf("at second 99 stops %v, want both pods", d.StopPods)
	}
}
