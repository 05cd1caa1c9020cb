package run

import (
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// news is what a status says and the one before it didn't. It is told once, when
// the status is stored.
type news struct {
	// born: it is the Run's first. started: its first Job was created.
	born, started, ended bool
	// jobs that have ended.
	jobs []v1alpha1.JobStatus
	// retries and disruptions of all jobs.
	retries, disruptions int32
}

func newsOf(before, after *v1alpha1.RunStatus) news {
	n := news{
		born:    before.Phase == "",
		started: before.StartTime == nil && after.StartTime != nil,
		ended:   !before.Phase.Finished() && after.Phase.Finished(),
	}
	known := make(map[string]*v1alpha1.JobStatus, len(before.Jobs))
	for i := range before.Jobs {
		known[before.Jobs[i].Name] = &before.Jobs[i]
	}
	for i := range after.Jobs {
		now, was := &after.Jobs[i], known[after.Jobs[i].Name]
		if was == nil {
			was = &v1alpha1.JobStatus{}
		}
		if now.ReusedFrom != "" {
			continue // It has ended in another Run.
		}
		if now.Phase.Finished() && !was.Phase.Finished() {
			n.jobs = append(n.jobs, *now)
		}
		n.disruptions += max(now.Disruptions-was.Disruptions, 0)
		n.retries += max(retries(now)-retries(was), 0)
	}
	return n
}

// retries is how many of a job's pods have followed one whose program failed.
func retries(s *v1alpha1.JobStatus) int32 { return max(s.Attempts-s.Disruptions-1, 0) }

// log writes a line for the Run's birth, its end, and each job's end.
func (n *news) log(log logr.Logger, run *v1alpha1.Run) {
	log = log.WithValues("pipeline", run.Spec.Pipeline)
	if n.born {
		log.Info("Run is new", "trigger", trigger(run), "phase", run.Status.Phase)
	}
	for i := range n.jobs {
		s := &n.jobs[i]
		log.Info("Job has ended", "job", s.Name, "phase", s.Phase, "reason", s.Reason)
	}
	if n.ended {
		log.Info("Run has ended", "phase", run.Status.Phase, "reason", verdict(run).Reason, "number", run.Status.Number)
	}
}

func trigger(run *v1alpha1.Run) string {
	if run.Spec.Origin == nil {
		return ""
	}
	return run.Spec.Origin.Trigger
}

// verdict is the Run's condition Succeeded, blank if it has none yet.
func verdict(run *v1alpha1.Run) metav1.Condition {
	if c := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition); c != nil {
		return *c
	}
	return metav1.Condition{}
}
