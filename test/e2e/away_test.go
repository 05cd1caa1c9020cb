package e2e

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// Two Jobs complete while there is no controller, and their pods are gone when it
// is back. One program ended by itself, the other was told to and answered with
// 0: only the first has passed. Not parallel: no other test can go on meanwhile.
func TestPodsThatGoWhileTheControllerIsAway(t *testing.T) {
	s := newSpace(t)
	s.create(t, s.pipeline("away",
		script("ended", s.through("ended")),
		script("drained", s.through("drained")+`
trap 'exit 0' TERM
while :; do sleep 0.1; done`)))
	s.openGate("drained")
	s.start(t, "a", "away")
	s.awaitArrival(t, "ended")
	s.awaitArrival(t, "drained")
	s.awaitPhases(t, "a", "ended=Running", "drained=Running")
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
	s.evict(t, "a", "drained")
	s.openGate("ended")
	s.awaitComplete(t, "a", "ended", "drained")
	pod := s.pod(t, "a", "ended")
	if err := s.Client.Delete(s.ctx, &pod); err != nil {
		t.Fatal(err)
	}
	s.awaitGone(t, "the Run's pods", &corev1.PodList{}, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.RunLabel: "a"})
	s.scale(t, count)
	if err := s.AwaitRollout(s.ctx); err != nil {
		t.Fatal(err)
	}
	run := s.awaitEnd(t, "a", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"ended=Succeeded", "drained=Failed/PodDeleted"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// awaitComplete waits for Jobs to be complete.
func (s *space) awaitComplete(t *testing.T, run string, jobs ...string) {
	t.Helper()
	s.await(t, "the Jobs to be complete", func(ctx context.Context) (bool, string, error) {
		for _, name := range jobs {
			job := &batchv1.Job{}
			if err := s.Client.Get(ctx, s.key(run+"-"+name), job); err != nil {
				return false, "", cluster.Retry(err)
			}
			if job.Status.CompletionTime == nil {
				return false, name + " isn't", nil
			}
		}
		return true, "", nil
	})
}
