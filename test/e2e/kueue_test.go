package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// TestKueue runs Runs whose jobs wait in queues of Kueue itself. Each test has
// a queue of its own, with room for one job at a time.
func TestKueue(t *testing.T) {
	t.Parallel()
	if shared.skip != "" {
		t.Skip(shared.skip)
	}
	// Cleanup comes when the parallel tests below have ended.
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
		defer cancel()
		if err := removeKueue(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := installKueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("one after another", oneAfterAnother)
	t.Run("ended in the queue", endedInTheQueue)
	t.Run("evicted and resumed", evictedAndResumed)
	t.Run("preempted", preempted)
	t.Run("ended while it ran", endedWhileItRan)
	t.Run("never able to start", neverAbleToStart)
	t.Run("cancelled between two attempts", cancelledBetweenTwoAttempts)
	t.Run("its Run deleted", itsRunDeleted)
	t.Run("a service", aQueuedService)
}

// Each waits for its turn as long as that takes, which counts neither towards
// the job's timeout nor towards the pendingTimeout.
func oneAfterAnother(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	const patience = 25 * time.Second
	hurried := queued(script("build", s.through("build")))
	hurried.Timeout = &metav1.Duration{Duration: patience}
	p := s.pipeline("hurried", hurried, script("after", "true", "build"))
	p.Spec.PendingTimeout = &metav1.Duration{Duration: patience}
	s.create(t, s.pipeline("slow", queued(script("build", s.through("build")))), p)
	s.start(t, "one", "slow")
	s.awaitArrival(t, "build")
	s.start(t, "two", "hurried")
	s.awaitPhases(t, "two", "build=Running/Suspended", "after=Waiting/AwaitingNeeds")
	s.await(t, "the second to have waited for longer than it may run", func(context.Context) (bool, string, error) {
		age := time.Since(s.jobs(t, "two")["build"].CreationTimestamp.Time)
		return age > patience+time.Second, "for " + age.Round(time.Second).String(), nil
	})
	var run v1alpha1.Run
	s.get(t, "two", &run)
	if diff := cmp.Diff([]string{"build=Running/Suspended", "after=Waiting/AwaitingNeeds"}, phases(&run)); diff != "" {
		t.Errorf("jobs of the one that waits (-want +got):\n%s", diff)
	}
	if got, want := messageOf(&run, "build"), "its Job is suspended: it waits in a queue, or somebody holds it"; got != want {
		t.Errorf("the job says %q, want %q", got, want)
	}
	if n := s.arrivals("build"); n != 1 {
		t.Errorf("%d containers have started, want one", n)
	}
	s.awaitUsage(t, usage{Pending: 1, Reserving: 1, Used: oneJob})
	s.openGate("build")
	for _, name := range []string{"one", "two"} {
		run := s.awaitEnd(t, name, v1alpha1.RunSucceeded)
		if build := run.Status.Jobs[0]; build.Attempts != 0 || build.Disruptions != 0 {
			t.Errorf("the job of Run %s had %d attempts and %d disruptions, want neither counted", name, build.Attempts, build.Disruptions)
		}
	}
	s.awaitUsage(t, usage{Used: "0"})
	if diff := cmp.Diff([]string{"Succeeded", "Succeeded"}, s.finished(t)); diff != "" {
		t.Errorf("Workloads (-want +got):\n%s", diff)
	}
}

// What ends in the queue leaves it, and who comes after it has its turn.
func endedInTheQueue(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	late := s.pipeline("late", queued(script("build", "true")))
	late.Spec.Timeout = &metav1.Duration{Duration: 10 * time.Second}
	s.create(t, s.pipeline("queued", queued(script("build", s.through("build")))), late)
	s.start(t, "runs", "queued")
	s.awaitArrival(t, "build")
	for name, pipeline := range map[string]string{"cancelled": "queued", "overdue": "late"} {
		s.start(t, name, pipeline)
	}
	s.awaitPhases(t, "cancelled", "build=Running/Suspended")
	s.cancel(t, "cancelled")
	for name, want := range map[string]string{
		"cancelled": "cancelled while its Job was suspended",
		"overdue":   "timed out while its Job was suspended: the Run took longer than its timeout of 10s",
	} {
		phase := v1alpha1.RunCancelled
		if name == "overdue" {
			phase = v1alpha1.RunFailed
		}
		if got := messageOf(s.awaitEnd(t, name, phase), "build"); got != want {
			t.Errorf("the job of Run %s says %q, want %q", name, got, want)
		}
		s.awaitGone(t, "the Job of Run "+name, &batchv1.JobList{}, client.MatchingLabels{v1alpha1.RunLabel: name})
	}
	s.awaitUsage(t, usage{Reserving: 1, Used: oneJob})
	s.awaitWorkloads(t, 1)
	s.start(t, "next", "queued")
	s.awaitPhases(t, "next", "build=Running/Suspended")
	s.openGate("build")
	s.awaitEnd(t, "runs", v1alpha1.RunSucceeded)
	s.awaitEnd(t, "next", v1alpha1.RunSucceeded)
	s.awaitUsage(t, usage{Used: "0"})
	if n := s.arrivals("build"); n != 2 {
		t.Errorf("%d containers have started, want two", n)
	}
}

// A job that Kueue evicts runs again once Kueue lets it. It isn't passed for
// having answered to that with 0, and nothing has failed.
func evictedAndResumed(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	s.create(t, s.pipeline("evicted", queued(s.polite()), script("after", "true", "build")))
	s.start(t, "e", "evicted")
	s.awaitArrival(t, "build")
	s.setActive(t, "e", false)
	s.awaitPhases(t, "e", "build=Running/Suspended", "after=Waiting/AwaitingNeeds")
	s.awaitUsage(t, usage{Used: "0"})
	s.setActive(t, "e", true)
	s.awaitArrivals(t, "build", 2)
	s.openGate("build")
	s.expectNoFailure(t, "e", "build=Succeeded", "after=Succeeded")
	s.awaitUsage(t, usage{Used: "0"})
}

// The more urgent job takes the place of one that runs, which runs again after it.
func preempted(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	class := object("WorkloadPriorityClass", metav1.ObjectMeta{Name: s.namespace}, map[string]any{"value": int64(100)})
	s.create(t, class)
	t.Cleanup(func() {
		if err := s.Client.Delete(context.WithoutCancel(s.ctx), class); err != nil {
			t.Error(err)
		}
	})
	urgent := queued(script("hotfix", s.through("hotfix")))
	urgent.Template.Labels["kueue.x-k8s.io/priority-class"] = s.namespace
	s.create(t, s.pipeline("patient", queued(s.polite())), s.pipeline("urgent", urgent))
	s.start(t, "p", "patient")
	s.awaitArrival(t, "build")
	s.start(t, "u", "urgent")
	s.awaitArrival(t, "hotfix")
	s.awaitPhases(t, "p", "build=Running/Suspended")
	s.openGate("hotfix")
	s.expectNoFailure(t, "u", "hotfix=Succeeded")
	s.awaitArrivals(t, "build", 2)
	s.openGate("build")
	s.expectNoFailure(t, "p", "build=Succeeded")
	s.awaitUsage(t, usage{Used: "0"})
}

// A cancel and a timeout give the place back, and keep pod and log.
func endedWhileItRan(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	overdue := queued(script("patient", s.patient()))
	overdue.Timeout = &metav1.Duration{Duration: 15 * time.Second}
	s.create(t, s.pipeline("long", queued(script("patient", s.patient()))), s.pipeline("slow", overdue), s.pipeline("quick", queued(script("quick", "true"))))
	s.start(t, "c", "long")
	s.awaitArrival(t, "runs")
	s.start(t, "o", "slow")
	s.awaitPhases(t, "o", "patient=Running/Suspended")
	s.openGate("runs")
	s.awaitLog(t, "c", "patient", "waiting")
	s.cancel(t, "c")
	s.awaitEnd(t, "c", v1alpha1.RunCancelled)
	run := s.awaitEnd(t, "o", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"patient=Failed/TimedOut"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	s.start(t, "q", "quick")
	s.awaitEnd(t, "q", v1alpha1.RunSucceeded)
	s.awaitUsage(t, usage{Used: "0"})
	for _, name := range []string{"c", "o"} {
		s.expectStopped(t, name)
		if diff := cmp.Diff(map[string]batchv1.JobConditionType{"patient": batchv1.JobFailed}, s.awaitVerdicts(t, name)); diff != "" {
			t.Errorf("Jobs of Run %s (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([]string{"Failed", "Failed", "Succeeded"}, s.finished(t)); diff != "" {
		t.Errorf("Workloads (-want +got):\n%s", diff)
	}
}

// A job that has a place and can't use it gives it back after the pendingTimeout.
func neverAbleToStart(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	p := s.pipeline("unable", queued(unable()[0]))
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 10 * time.Second}
	s.create(t, p, s.pipeline("quick", queued(script("quick", "true"))))
	s.start(t, "u", "unable")
	s.awaitPhases(t, "u", "image=Running/ImagePullBackOff")
	s.start(t, "q", "quick")
	s.awaitPhases(t, "q", "quick=Running/Suspended")
	run := s.awaitEnd(t, "u", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"image=Failed/ImagePullBackOff"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	s.awaitEnd(t, "q", v1alpha1.RunSucceeded)
	s.awaitUsage(t, usage{Used: "0"})
}

// A job that has failed once and was evicted before its retry is cancelled: it
// leaves the queue, and its first log stays.
func cancelledBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	again := queued(script("build", "echo tried; "+s.through("tries")+"; exit 1"))
	again.Template.Spec.BackoffLimit = new(int32(3))
	s.create(t, s.pipeline("again", again))
	s.start(t, "a", "again")
	s.awaitArrival(t, "tries")
	s.openGate("tries")
	s.await(t, "the first attempt to fail", func(context.Context) (bool, string, error) {
		pods := s.pods(t, "a")
		return len(pods) > 0 && pods[0].Status.Phase == corev1.PodFailed, fmt.Sprint(len(pods)), nil
	})
	s.setActive(t, "a", false)
	s.awaitPhases(t, "a", "build=Running/Suspended")
	s.cancel(t, "a")
	run := s.awaitEnd(t, "a", v1alpha1.RunCancelled)
	if got, want := messageOf(run, "build"), "cancelled while its Job was suspended"; got != want {
		t.Errorf("the job says %q, want %q", got, want)
	}
	s.awaitWorkloads(t, 0)
	s.awaitUsage(t, usage{Used: "0"})
	if pods := s.pods(t, "a"); len(pods) == 0 || s.podLog(t, pods[0].Name, "main") != "tried\n" {
		t.Errorf("%d pods are left, want the first with its log", len(pods))
	}
}

// Neither a Run that has a place nor one that waits for it leaves anything
// behind in the queue when it is deleted.
func itsRunDeleted(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	s.create(t, s.pipeline("queued", queued(script("build", "trap 'exit 143' TERM; ("+s.through("build")+") & wait $!"))))
	s.start(t, "runs", "queued")
	s.awaitArrival(t, "build")
	s.start(t, "waits", "queued")
	s.awaitPhases(t, "waits", "build=Running/Suspended")
	s.awaitUsage(t, usage{Pending: 1, Reserving: 1, Used: oneJob})
	for _, name := range []string{"waits", "runs"} {
		if err := s.Client.Delete(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta(name)}); err != nil {
			t.Fatal(err)
		}
	}
	s.awaitWorkloads(t, 0)
	s.awaitUsage(t, usage{Used: "0"})
}

// A service has its turn as a job does, and gives its place back when the Run has
// ended.
func aQueuedService(t *testing.T) {
	t.Parallel()
	s := newQueue(t)
	served := web("hello")
	served.Template = queued(v1alpha1.Job{Template: served.Template}).Template
	p := s.pipeline("served", script("read", `wget -q -O - "http://$KAYCI_SERVICE_WEB/"`))
	p.Spec.Services = []v1alpha1.Service{served}
	s.create(t, p, s.pipeline("queued", queued(script("build", s.through("build")))))
	s.start(t, "first", "queued")
	s.awaitArrival(t, "build")
	s.start(t, "s", "served")
	s.await(t, "the service to wait", func(ctx context.Context) (bool, string, error) {
		var run v1alpha1.Run
		if err := s.Client.Get(ctx, s.key("s"), &run); err != nil {
			return false, "", cluster.Retry(err)
		}
		return slices.Equal(services(&run), []string{"web=Starting/Suspended"}), fmt.Sprint(services(&run)), nil
	})
	s.openGate("build")
	s.awaitEnd(t, "first", v1alpha1.RunSucceeded)
	run := s.awaitEnd(t, "s", v1alpha1.RunSucceeded)
	if diff := cmp.Diff([]string{"web=Stopped"}, services(run)); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	s.awaitUsage(t, usage{Used: "0"})
	// Kueue takes a Job that wants no pod any more for another one than it let in,
	// and suspends it unless it is complete by then.
	verdicts := s.awaitVerdicts(t, "s")
	if web, found := verdicts["web"]; found && web != batchv1.JobComplete || verdicts["read"] != batchv1.JobComplete {
		t.Errorf("Jobs: %v, want all complete, or that of the service gone", verdicts)
	}
	if got := s.podLog(t, s.servicePod(t, "s", "web").Name, "main"); got != "serving\nstopping\n" {
		t.Errorf("the service's log is %q", got)
	}
}
