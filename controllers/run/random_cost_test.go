package run_test

import (
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// patience is how long a Job may be without a pod before its Run says so.
const patience = 30 * time.Second

// checkCost checks how many writes a Run of N jobs costs that nothing gets in the way
// of: its ConfigMap, N Jobs, N+1 changes of its status and an event. What it says of
// a slow cluster comes on top of that.
func (s *simulation) checkCost() {
	s.t.Helper()
	jobs := len(s.pipeline.Spec.Jobs)
	if most := 2*jobs + 3 + s.toldFor() + s.explained; s.plain && len(s.writes)+len(s.events.Events) > most {
		s.t.Errorf("%d writes and %d events for %d jobs, want %d at most:\n%s", len(s.writes), len(s.events.Events), jobs, most, strings.Join(s.writes, "\n"))
	}
}

// toldFor is how many writes the notifiers may have cost: each its Job, and those
// of a Run's end another change of its status.
func (s *simulation) toldFor() int {
	if len(s.asked(v1alpha1.RunSucceeded)) > 0 {
		return len(s.notices) + 1
	}
	return len(s.notices)
}

// checkExplained counts the writes by which a Run says why its jobs don't go on, or
// that they do. Where nothing gets in the way, a job only waits for its pod, and
// that is said only of one that is slow.
func (s *simulation) checkExplained(before, after *v1alpha1.Run) {
	s.t.Helper()
	explains := false
	for i := range before.Status.Jobs {
		was, is := &before.Status.Jobs[i], &after.Status.Jobs[i]
		if was.Phase != v1alpha1.JobRunning || is.Phase != v1alpha1.JobRunning || was.Reason == is.Reason {
			continue
		}
		explains = true
		made, found := s.server.objects["Job"][is.Job].(*batchv1.Job)
		slow := found && s.clock.Since(made.CreationTimestamp.Time) >= patience &&
			slices.Contains([]string{v1alpha1.ReasonNotTakenUp, v1alpha1.ReasonAwaitingPod}, is.Reason)
		if s.plain && is.Reason != "" && !slow {
			s.t.Errorf("job %s of %s is said to be %s, and nothing is in its way", is.Name, after.Name, is.Reason)
		}
	}
	if explains {
		s.explained++
	}
}
