package plan

import (
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Unwitnessed returns, by job, the Jobs that are complete and whose pod is gone
// before anybody saw how it had ended: it was removed with its node, or while
// the controller was away. The pod's events may still tell.
func (f *Facts) Unwitnessed() map[string]*batchv1.Job {
	found := map[string]*batchv1.Job{}
	for i := range f.Spec.Jobs {
		name := f.Spec.Jobs[i].Name
		job := f.Jobs[name]
		if job != nil && evidence.Condition(job, batchv1.JobComplete) != nil && !f.recorded(name).Phase.Finished() &&
			evidence.Unproven(job, f.pods(job), f.Now) && len(f.pods(job)) == 0 {
			found[name] = job
		}
	}
	return found
}

// vouchedFor ends a job whose success only events show. What its pod may have
// left as outputs went with it.
func (f *Facts) vouchedFor(s v1alpha1.JobStatus) v1alpha1.JobStatus {
	return f.end(s, v1alpha1.JobSucceeded, "", "its pod is gone, with its log and outputs; its events say that it ended by itself")
}
