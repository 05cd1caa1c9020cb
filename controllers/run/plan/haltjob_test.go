package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// beside adds a container that has failed at that second while `main` goes on.
func beside(code int32, second int) podOption {
	return func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "other"})
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: "other", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", FinishedAt: *ts(second)},
		}})
	}
}

// TestWhatWasKnownBeforeAHalt follows a job to the end that its Run's halt makes
// of it: the kubelet stops what is to be stopped.
func TestWhatWasKnownBeforeAHalt(t *testing.T) {
	t.Parallel()
	const timeout = "timed out before it started: the Run took longer than its timeout of 1m30s"
	noSecret := waiting("CreateContainerConfigError", `secret "not-there" not found`)
	for _, tt := range []struct {
		name    string
		halt    func(*plan.Facts)
		arrange func(*plan.Facts)
		want    string
	}{
		{"no Secret", cancelledRun, all(aJob(), aPod(noSecret)), `cancelled before it started: container main: secret "not-there" not found`},
		{"no Secret, in time", timedOutRun, all(aJob(), aPod(noSecret)), timeout + `; container main: secret "not-there" not found`},
		{"no Secret, replaced", replacedRun, all(aJob(), aPod(noSecret)), `replaced before it started: run newer of key "main" is newer; container main: secret "not-there" not found`},
		{"no image", cancelledRun, all(aJob(), aPod(waiting("ErrImagePull", "not found"))), "cancelled before it started: " + cantPull},
		{"no node", cancelledRun, all(aJob(), aPod(unstarted, unschedulable)), "cancelled before it started: no room"},
		{"no node, in time", timedOutRun, all(aJob(), aPod(unstarted, unschedulable)), timeout + "; no room"},
		{"no mount", cancelledRun, all(knownAs("FailedMount", "pod pod: no such Secret"), aJob(), aPod(stalled(60))), "cancelled before it started: pod pod: no such Secret"},
		{"no pod", cancelledRun, all(knownAs("FailedCreate", "no room"), aJob()), "cancelled before it started: no room"},
		{"no Job", cancelledRun, all(knownAs("QuotaExceeded", "full"), func(f *plan.Facts) { f.Run.Status.Jobs[0].Phase = "Waiting" }), "cancelled before it started: full"},
		{"its turn", cancelledRun, all(knownAs("AwaitingNeeds", "needs b"), func(f *plan.Facts) { f.Run.Status.Jobs[0].Phase = "Waiting" }), "cancelled before it started"},
		{"a container failed beside one that ran", cancelledRun, all(aJob(), aPod(beside(7, 50))), "cancelled while it ran: container other exited with code 7"},
		{"the same, in time", timedOutRun, all(aJob(), aPod(beside(7, 50))), "timed out while it ran: the Run took longer than its timeout of 1m30s; container other exited with code 7"},
		{"runs", cancelledRun, all(aJob(), aPod()), "cancelled while it ran"},
		{"was disrupted, runs again", cancelledRun, all(knownAs("Disrupted", "pod old is replaced"), aJob(), aPod()), "cancelled while it ran"},
		{"in a queue", cancelledRun, all(knownAs("Suspended", isSuspended), aJob(suspend)), "cancelled while its Job was suspended"},
		{"nothing shows where it stood", cancelledRun, aJob(), "cancelled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			f.Run.Status.Phase = v1alpha1.RunRunning
			tt.arrange(f)
			tt.halt(f)
			for range 6 {
				d := plan.Decide(f)
				perform(f, &d)
				d = plan.Decide(f)
				f.Run.Status = *d.Status.DeepCopy()
				stopPods(f)
			}
			if got := f.Run.Status.Jobs[0]; got.Phase != v1alpha1.JobCancelled || got.Message != tt.want {
				t.Errorf("the job is %s: %q, want %q", got.Phase, got.Message, tt.want)
			}
			if f.Run.Status.CompletionTime == nil {
				t.Errorf("the Run has not ended: %+v", f.Run.Status)
			}
		})
	}
}

// stopPods is what the kubelet makes of a deadline of a second. Of a container
// that it has not made it knows nothing.
func stopPods(f *plan.Facts) {
	for _, pods := range f.Pods {
		for i := range pods {
			p := &pods[i]
			if p.Spec.ActiveDeadlineSeconds == nil || *p.Spec.ActiveDeadlineSeconds > 1 {
				continue
			}
			podPhase(corev1.PodFailed)(p)
			podReason("DeadlineExceeded", "")(p)
			for k := range p.Status.ContainerStatuses {
				state := &p.Status.ContainerStatuses[k].State
				switch {
				case state.Running != nil:
					*state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 143, Reason: "Error", FinishedAt: *ts(101)}}
				case state.Waiting != nil:
					*state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown"}}
				}
			}
		}
	}
}

func replacedRun(f *plan.Facts) {
	f.Place = &queue.Place{Key: "main", Admitted: true, ReplacedBy: "newer"}
}

// knownAs is a job that runs, and is recorded with this reason.
func knownAs(reason, message string) observation {
	return func(f *plan.Facts) {
		f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "a", Phase: v1alpha1.JobRunning, Reason: reason, Message: message, WaitingSince: ts(50), Job: "run-a", QueuedTime: ts(0)}}
		f.Run.Status.StartTime = ts(0)
	}
}

// A container that had failed by itself is why the others are of no use, also
// when the pod's own timeout has ended them.
func TestFailedBeforeTheTimeout(t *testing.T) {
	t.Parallel()
	late := []podOption{deadline(60), exit(143, "Error", 61), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", "")}
	for _, tt := range []struct {
		name string
		pod  []podOption
		want string
	}{
		{"before", append(late, beside(7, 50)), "stopped after its timeout of 1m; before that, container other exited with code 7"},
		{"with it", append(late, beside(143, 61)), "stopped after its timeout of 1m"},
		{"after it", append(late, beside(137, 64)), "stopped after its timeout of 1m"},
		{"alone", late, "stopped after its timeout of 1m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", backoffLimit(80))
			withPod(f, "a", "pod", tt.pod...)
			if diff := cmp.Diff(outcome{"Failed", "TimedOut", tt.want}, outcomes(plan.Decide(f))["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

// A queue takes the place of a service's Job away.
func TestServiceThatIsSuspended(t *testing.T) {
	t.Parallel()
	const why = "its Job was suspended, which ends its pod"
	for _, tt := range []struct {
		name     string
		recorded v1alpha1.ServicePhase
		job      jobOption
		pods     [][]podOption
		want     serviceOutcome
	}{
		{"was ready", v1alpha1.ServiceReady, suspend, nil, serviceOutcome{"Failed", "Suspended", why}},
		{"was ready, its pod ends", v1alpha1.ServiceReady, suspend, [][]podOption{{isReady, deleted(60), letGo}}, serviceOutcome{"Failed", "Suspended", why}},
		{"was not ready", v1alpha1.ServiceStarting, suspend, [][]podOption{{isReady, deleted(60), letGo}}, serviceOutcome{"Starting", "Suspended", isSuspended}},
		{"is resumed", v1alpha1.ServiceStarting, func(*batchv1.Job) {}, [][]podOption{{deleted(60), letGo, exit(0, "Completed", 70)}}, serviceOutcome{"Starting", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, tt.pods...)
			recordService(f, tt.recorded, "", "")
			if diff := cmp.Diff(tt.want, serviceOf(plan.Decide(f))); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
		})
	}
}

// A Run that has lost what it is made of says of each job what was known.
func TestFaultKeepsWhatWasKnown(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Run.Status = v1alpha1.RunStatus{StartTime: ts(0), Jobs: []v1alpha1.JobStatus{
		{Name: "a", Phase: v1alpha1.JobRunning, Reason: "Unschedulable", Message: "no room", WaitingSince: &metav1.Time{Time: at(0)}},
		{Name: "b", Phase: v1alpha1.JobWaiting, Reason: "AwaitingNeeds", Message: "needs a"},
		{Name: "c", Phase: v1alpha1.JobRunning},
	}}
	var got []string
	for _, s := range faulty(f, "RevisionNotFound", "the revision is gone").Jobs {
		got = append(got, strings.Join([]string{string(s.Phase), s.Reason, s.Message}, " "))
	}
	want := []string{
		"Cancelled RevisionNotFound stopped: the revision is gone; no room",
		"Cancelled RevisionNotFound stopped before it started: the revision is gone",
		"Cancelled RevisionNotFound stopped: the revision is gone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}
