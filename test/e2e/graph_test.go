package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Every job of the diamond is held at a gate, so what runs at a time is what
// may run at that time. The containers' own times must say the same.
func TestDiamondRunsInOrder(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	held := func(name string, needs ...string) v1alpha1.Job { return script(name, s.through(name), needs...) }
	s.create(t, s.pipeline("diamond",
		held("step-1"), held("step-2", "step-1"), held("step-3", "step-1"), held("step-4", "step-2", "step-3"), held("step-5", "step-4")))
	s.start(t, "d", "diamond")

	reached := func() []string {
		var names []string
		for _, name := range []string{"step-1", "step-2", "step-3", "step-4", "step-5"} {
			if s.arrivals(name) > 0 {
				names = append(names, name)
			}
		}
		return names
	}
	expect := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, reached()); diff != "" {
			t.Errorf("started jobs (-want +got):\n%s", diff)
		}
	}
	s.awaitArrival(t, "step-1")
	expect("step-1")
	s.openGate("step-1")
	s.awaitArrival(t, "step-2")
	s.awaitArrival(t, "step-3")
	expect("step-1", "step-2", "step-3")
	s.openGate("step-2")
	s.awaitJob(t, "d", "step-2", v1alpha1.JobSucceeded)
	expect("step-1", "step-2", "step-3")
	s.openGate("step-3")
	s.awaitArrival(t, "step-4")
	expect("step-1", "step-2", "step-3", "step-4")
	s.openGate("step-4", "step-5")
	run := s.awaitEnd(t, "d", v1alpha1.RunSucceeded)
	for i := range run.Status.Jobs {
		expectTimesInOrder(t, &run.Status.Jobs[i])
	}

	times := map[string]*corev1.ContainerStateTerminated{}
	for _, name := range reached() {
		pod := s.pod(t, "d", name)
		times[name] = pod.Status.ContainerStatuses[0].State.Terminated
	}
	for _, order := range [][2]string{
		{"step-1", "step-2"}, {"step-1", "step-3"}, {"step-2", "step-4"}, {"step-3", "step-4"}, {"step-4", "step-5"},
	} {
		if first, then := times[order[0]], times[order[1]]; then.StartedAt.Before(&first.FinishedAt) {
			t.Errorf("%s started at %s, before the end of %s at %s", order[1], then.StartedAt, order[0], first.FinishedAt)
		}
	}
	if two, three := times["step-2"], times["step-3"]; two.FinishedAt.Before(&three.StartedAt) || three.FinishedAt.Before(&two.StartedAt) {
		t.Error("step-2 and step-3 did not run at the same time")
	}
}

// expectTimesInOrder checks that waiting, pulling and running were told apart.
func expectTimesInOrder(t *testing.T, s *v1alpha1.JobStatus) {
	t.Helper()
	times := []*metav1.Time{s.QueuedTime, s.ScheduledTime, s.StartTime, s.CompletionTime}
	before := s.QueuedTime
	for _, at := range times {
		if at == nil || at.Before(before) {
			t.Errorf("job %s was due, got a node, started and ended at %v", s.Name, times)
			return
		}
		before = at
	}
}

func TestFailingJobFailsTheRunAndItsDependentsDontStart(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("failing",
		script("fails", "echo about to fail; exit 3"),
		script("other", "true"),
		script("dependent", "true", "fails"),
		script("transitive", "true", "dependent", "other")))
	s.start(t, "f", "failing")
	run := s.awaitEnd(t, "f", v1alpha1.RunFailed)

	want := []string{"fails=Failed/Error", "other=Succeeded", "dependent=Skipped/NeedsFailed", "transitive=Skipped/NeedsFailed"}
	if diff := cmp.Diff(want, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	jobs := s.jobs(t, "f")
	if len(jobs) != 2 || jobs["fails"].Name == "" || jobs["other"].Name == "" {
		t.Errorf("Jobs are %v, want fails and other", jobs)
	}
	if got := s.log(t, "f", "fails", "main"); got != "about to fail\n" {
		t.Errorf("log of the failed job: %q", got)
	}
}

func TestLaterEditOfThePipelineDoesNotReachARun(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("edited", script("first", s.through("first")), script("second", "echo before", "first")))
	s.start(t, "old", "edited")
	s.awaitArrival(t, "first")
	patch(t, s, s.pipeline("edited"), func(p *v1alpha1.Pipeline) {
		p.Spec.Jobs = []v1alpha1.Job{script("second", "echo after"), script("third", "true", "second")}
	})
	s.start(t, "new", "edited")
	s.awaitEnd(t, "new", v1alpha1.RunSucceeded)
	s.openGate("first")
	old := s.awaitEnd(t, "old", v1alpha1.RunSucceeded)

	if diff := cmp.Diff([]string{"first=Succeeded", "second=Succeeded"}, phases(old)); diff != "" {
		t.Errorf("jobs of the old Run (-want +got):\n%s", diff)
	}
	got := map[string]string{"old": s.log(t, "old", "second", "main"), "new": s.log(t, "new", "second", "main")}
	if diff := cmp.Diff(map[string]string{"old": "before\n", "new": "after\n"}, got); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestRunBeforeItsPipeline(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.start(t, "early", "later")
	s.awaitMessage(t, "early", "Queued, PipelineNotFound: pipeline later doesn't exist; the Run waits up to 10 minutes for it")
	s.create(t, s.pipeline("later", script("one", "true")))
	run := s.awaitEnd(t, "early", v1alpha1.RunSucceeded)
	if owner := metav1.GetControllerOf(run); owner == nil || owner.Name != "later" {
		t.Errorf("the Run's owner is %v, want its Pipeline", owner)
	}
}
