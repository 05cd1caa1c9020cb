package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// An eviction is neither a pass nor a failure: the job runs again, although it
// has no retries.
func TestAnEvictedPodIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("drained", script("held", s.through("held")), script("after", "true", "held")))
	s.start(t, "e", "drained")
	s.awaitArrival(t, "held")
	eviction := &policyv1.Eviction{ObjectMeta: s.meta(s.pod(t, "e", "held").Name)}
	if err := s.Clientset.PolicyV1().Evictions(s.namespace).Evict(s.ctx, eviction); err != nil {
		t.Fatal(err)
	}
	s.await(t, "a second pod at the gate", func(context.Context) (bool, string, error) {
		n := s.arrivals("held")
		return n == 2, fmt.Sprintf("%d have come", n), nil
	})
	s.openGate("held")
	run := s.awaitEnd(t, "e", v1alpha1.RunSucceeded)
	if diff := cmp.Diff([]string{"held=Succeeded", "after=Succeeded"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// A pod that somebody deletes by hand fails its job, and the reason says so.
func TestADeletedPodFailsItsJobWithAReason(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("deleted", script("held", s.through("held"))))
	s.start(t, "d", "deleted")
	s.awaitArrival(t, "held")
	pod := s.pod(t, "d", "held")
	if err := s.Client.Delete(s.ctx, &pod); err != nil {
		t.Fatal(err)
	}
	run := s.awaitEnd(t, "d", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"held=Failed/PodDeleted"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}
