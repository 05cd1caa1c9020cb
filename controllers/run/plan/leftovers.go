package plan

import (
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// keepOutputs adds what a job that has not succeeded has left for others: what
// it has begun, they may have to clean up. It is a help and no promise, so that
// text which is no outputs is just that, and changes nothing of why the job has
// ended.
func (f *Facts) keepOutputs(s v1alpha1.JobStatus, job *batchv1.Job, done map[string]*v1alpha1.JobStatus) v1alpha1.JobStatus {
	if job == nil || !evidence.Single(job) || s.Reason == v1alpha1.ReasonInvalidOutputs || s.Reason == v1alpha1.ReasonOutputsTooLarge {
		return s
	}
	outputs := evidence.Leftovers(f.pods(job))
	if f.posing(s.Name, outputs) == nil && f.fits(s.Name, outputs, done) == nil {
		s.Outputs = outputs
	}
	return s
}
