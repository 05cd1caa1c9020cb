package plan_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// observation arranges, at second 100, what is observed of job `a`. Its Job was
// made at second 0, its pod at second 1.
type observation func(*plan.Facts)

func all(of ...observation) observation {
	return func(f *plan.Facts) {
		for _, o := range of {
			o(f)
		}
	}
}

func aJob(opts ...jobOption) observation {
	return func(f *plan.Facts) { withJob(f, "a", append([]jobOption{taken(1)}, opts...)...) }
}

func aPod(opts ...podOption) observation {
	return func(f *plan.Facts) { withPod(f, "a", "pod", opts...) }
}

// aNeed puts a job in front that `a` needs.
func aNeed(phase v1alpha1.JobPhase) observation {
	return func(f *plan.Facts) {
		f.Spec.Jobs = []v1alpha1.Job{spec("b"), spec("a", "b")}
		record(f, "b", phase)
		switch phase {
		case v1alpha1.JobWaiting:
			f.Deferred = map[string]plan.Refusal{"b": {Reason: "ItsReason", Message: "the text"}}
		case v1alpha1.JobRunning:
			withJob(f, "b")
			withPod(f, "b", "other")
		default:
		}
	}
}

// aFailedNeed is of a job whose failure is allowed.
func aFailedNeed(f *plan.Facts) {
	aNeed(v1alpha1.JobFailed)(f)
	f.Spec.Jobs[0].AllowFailure, f.Run.Status.Jobs[0].FailureAllowed = true, true
}

func aCondition(t *testing.T, condition string) observation {
	t.Helper()
	env := expressions(t)
	return func(f *plan.Facts) {
		f.Expressions = env
		f.Spec.Jobs = []v1alpha1.Job{when(condition, "a")}
	}
}

func notCreated(refused, deferred map[string]plan.Refusal) observation {
	return func(f *plan.Facts) { f.Refused, f.Deferred = refused, deferred }
}

// aStartingService keeps jobs from starting. Another one keeps the Run going.
func aStartingService(f *plan.Facts) {
	aNeed(v1alpha1.JobRunning)(f)
	f.Spec.Jobs = []v1alpha1.Job{spec("b"), spec("a")}
	f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
	withJob(f, "db")
	withPod(f, "db", "db-pod")
}

// impatientRun allows pods to be pending for a minute.
func impatientRun(f *plan.Facts) { f.Spec.PendingTimeout = &metav1.Duration{Duration: time.Minute} }

func explained(f *plan.Facts) {
	f.Explained = map[string]evidence.Why{"a": {Reason: v1alpha1.ReasonFailedCreate, Message: "no room"}}
}

func missing(f *plan.Facts)      { f.Missing = map[string]bool{"a": true} }
func cancelledRun(f *plan.Facts) { f.Run.Spec.Cancelled = true }

func timedOutRun(f *plan.Facts) {
	f.Spec.Timeout = &metav1.Duration{Duration: 90 * time.Second}
	f.Run.Status.StartTime = ts(0)
}

// fullRun has another job that runs, and room for no more.
func fullRun(f *plan.Facts) {
	aNeed(v1alpha1.JobRunning)(f)
	f.Spec.Jobs, f.Spec.MaxParallel = []v1alpha1.Job{spec("b"), spec("a")}, new(int32(1))
}

// failingRun ends with the failure of another job.
func failingRun(f *plan.Facts) {
	f.Spec.FailFast = true
	f.Spec.Jobs = []v1alpha1.Job{spec("b"), spec("a")}
	f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "b", Phase: v1alpha1.JobFailed, Reason: "Error", Message: exitedWith1}}
}

// finallyJob makes `a` the finally job of a Run whose other job stands so.
func finallyJob(phase v1alpha1.JobPhase) observation {
	return func(f *plan.Facts) {
		aNeed(phase)(f)
		f.Spec.Jobs = []v1alpha1.Job{spec("b"), finally("a")}
	}
}

// finallySince is when the other jobs of a cancelled Run had ended.
func finallySince(second int) observation {
	return func(f *plan.Facts) {
		finallyJob(v1alpha1.JobCancelled)(f)
		cancelledRun(f)
		f.Run.Status.StartTime, f.Run.Status.FinallyStartTime = ts(0), ts(second)
		f.Spec.FinallyTimeout = &metav1.Duration{Duration: time.Minute}
	}
}

func (c cell) afterCreating() cell { c.create = true; return c }
func (c cell) andEnds() cell       { c.ended = true; return c }
func (c cell) andRemoves() cell    { c.removed = true; return c }
func (c cell) laterRemoves() cell  { c.laterRemoved = true; return c }
func (c cell) laterStops() cell    { c.laterStop = true; return c }
func (c cell) laterEnds() cell     { c.laterEnded = true; return c }

// andStops is followed by a look when the pod's node has had the time to stop it.
func (c cell) andStops() cell { c.stop = true; return c.isAwaited() }

func (c cell) isAwaited() cell { return c.andLooks(100 * time.Second) }

func (c cell) isStopped() cell                   { c.stopping, c.looks = true, 150*time.Second; return c }
func (c cell) andLooks(after time.Duration) cell { c.looks = after; return c }

func (c cell) lastDisrupted(second int) cell { c.disrupted = second; return c }
func (c cell) inAttempt(number int32) cell   { c.attempts = number; return c }

var stays = cell{stays: true}

func is(phase v1alpha1.JobPhase, reason, message string) cell {
	return cell{phase: phase, reason: reason, message: message}
}

// waits is the same of what has just begun to wait.
func waits(phase v1alpha1.JobPhase, reason, message string) cell {
	return cell{phase: phase, reason: reason, message: message, waits: true}
}

func ends(second int, phase v1alpha1.JobPhase, reason, message string) cell {
	return cell{phase: phase, reason: reason, message: message, completed: second}
}

// row says, for each phase that the job was recorded in, what an observation
// makes of it.
type row struct {
	name     string
	observed observation
	want     byPhase
}

// beforeExpiry is how long a pod that was made at second 1 may still be pending.
const beforeExpiry = time.Hour - 99*time.Second

// Texts that several cells have.
const (
	wasDeleted   = "the pod was deleted before it had ended"
	jobGone      = "its Job was deleted before it had ended"
	isSuspended  = "its Job is suspended: it waits in a queue, or somebody holds it"
	isLost       = "the Job is complete, but its pod is gone, and with it what shows that the program ended by itself"
	wasDisrupted = "the pod was told to end (EvictionByEvictionAPI) and exited with code 0, which proves nothing; a program that exits otherwise on SIGTERM is retried"
	isReplaced   = "pod pod is replaced, at no cost to the retries: EvictionByEvictionAPI: "
	wasCancelled = "cancelled while it ran"
	notStarted   = "cancelled before it started"
	wasSuspended = "cancelled while its Job was suspended"
	cantPull     = "container main: can't pull image registry.example.com/app:1: not found"
	noMemory     = "container main ran out of memory and was killed; raise its memory limit"
	badOutputs   = "container main: its termination message is no JSON object of strings: decode JSON: unexpected end of JSON input"
	exitedWith1  = "container main exited with code 1"
)

func unschedulable(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "no room"}}
}
