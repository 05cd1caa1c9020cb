package e2e

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
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
