package plan

import (
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
)

// Unseen reports whether a Job has had its verdict for longer than its pod's
// news should take, and no pod shows how it has ended. What the cache shows now
// would count for good, so the API server is asked for the pods first.
func (f *Facts) Unseen() bool {
	for i := range f.Spec.Jobs {
		name := f.Spec.Jobs[i].Name
		if job := f.Jobs[name]; job != nil && !f.recorded(name).Phase.Finished() && f.unseen(job) {
			return true
		}
	}
	return false
}

func (f *Facts) unseen(job *batchv1.Job) bool {
	old := func(verdict *batchv1.JobCondition) bool {
		return verdict != nil && f.Now.Sub(verdict.LastTransitionTime.Time) >= podNews
	}
	pods := f.pods(job)
	switch {
	case old(evidence.Condition(job, batchv1.JobComplete)):
		return single(job) && passed(job, pods) == nil && interrupted(job, pods) == nil
	case old(evidence.Condition(job, batchv1.JobFailed)):
		return running(pods)
	default:
		return false
	}
}
