package e2e

import (
	"context"
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// Two Runs whose jobs want one Job's name both run.
func TestRunsThatWantOneName(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("first", script("test-x", "echo first; "+s.through("held"))), s.pipeline("second", script("x", "echo second")))
	s.start(t, "build", "first")
	s.awaitArrival(t, "held")
	s.start(t, "build-test", "second")
	second := s.awaitEnd(t, "build-test", v1alpha1.RunSucceeded)
	s.openGate("held")
	first := s.awaitEnd(t, "build", v1alpha1.RunSucceeded)
	if first.Status.Jobs[0].Job != "build-test-x" || second.Status.Jobs[0].Job == "build-test-x" {
		t.Errorf("their Jobs are %s and %s", first.Status.Jobs[0].Job, second.Status.Jobs[0].Job)
	}
	for run, job := range map[string]string{"build": "test-x", "build-test": "x"} {
		want := map[string]string{"build": "first\n", "build-test": "second\n"}[run]
		if got := s.log(t, run, job, "main"); got != want {
			t.Errorf("Run %s logs %q, want %q", run, got, want)
		}
	}
}

// A Run is deleted before it has ended, while there is no controller. Its number is
// not given again. Not parallel: no other test can go on meanwhile.
func TestTheNumberOfADeletedRun(t *testing.T) {
	s := newSpace(t)
	s.create(t, s.pipeline("numbered", script("held", s.through("held"))))
	first := s.start(t, "first", "numbered")
	s.awaitArrival(t, "held")
	s.await(t, "the number to be recorded", func(ctx context.Context) (bool, string, error) {
		p := &v1alpha1.Pipeline{}
		if err := s.Client.Get(ctx, s.key("numbered"), p); err != nil {
			return false, "", cluster.Retry(err)
		}
		return p.Status.LastNumber == 1, fmt.Sprint(p.Status.LastNumber), nil
	})
	count := s.scale(t, 0)
	t.Cleanup(func() {
		s.ctx = context.WithoutCancel(s.ctx)
		s.scale(t, count)
		if err := s.AwaitRollout(s.ctx); err != nil {
			t.Error(err)
		}
	})
	if err := s.AwaitReplicas(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.Delete(s.ctx, first); err != nil {
		t.Fatal(err)
	}
	s.awaitGone(t, "the Run", &v1alpha1.RunList{}, client.InNamespace(s.namespace))
	s.scale(t, count)
	if err := s.AwaitRollout(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.openGate("held")
	s.start(t, "second", "numbered")
	if got := s.awaitEnd(t, "second", v1alpha1.RunSucceeded).Status.Number; got != 2 {
		t.Errorf("the next Run has the number %d, want 2", got)
	}
}
