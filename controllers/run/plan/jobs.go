package plan

import (
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// decideJobs returns the jobs' statuses and adds what to do about their Jobs.
func (f *Facts) decideJobs(h halts, d *Decision) []v1alpha1.JobStatus {
	done := make(map[string]*v1alpha1.JobStatus, len(f.Spec.Jobs))
	list := make([]v1alpha1.JobStatus, 0, len(f.Spec.Jobs))
	for i := range f.Spec.Jobs {
		// In topological order: what a job needs has been decided before it.
		spec := &f.Spec.Jobs[i]
		p := f.part(spec.Name)
		p.halt = h.of(spec)
		list = append(list, f.decideJob(spec, p, done, d))
		list[i].FailureAllowed = list[i].FailureAllowed || list[i].Phase == v1alpha1.JobFailed && spec.AllowFailure
		done[spec.Name] = &list[i]
	}
	return list
}

// decideJob returns the job's new status and adds what to do about its Job.
func (f *Facts) decideJob(spec *v1alpha1.Job, p part, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if reused, holds := f.reuse(spec, done); holds {
		return reused
	}
	recorded := f.recorded(spec.Name)
	status := recorded
	if !recorded.Phase.Finished() {
		if p.job == nil {
			return f.decideMissing(spec, p, recorded, done, d)
		}
		status = f.observe(p, f.sign(spec, recorded), done, d)
		if p.halt != nil && !status.Phase.Finished() && !evidence.Finished(p.job) {
			status = f.haltJob(p, status, d)
		}
	}
	if status.Phase.Finished() {
		if !recorded.Phase.Finished() {
			status = f.addFindings(p, status, done)
		}
		if !recorded.Phase.Finished() && status.Phase != v1alpha1.JobSucceeded {
			status = f.keepOutputs(p, status, done)
		}
		f.endRest(p, &status, d)
	}
	return status
}

// endRest ends what is left of the Job of a job that has its result: nothing
// of it may run again.
func (f *Facts) endRest(p part, ended *v1alpha1.JobStatus, d *Decision) {
	if p.job != nil && ended.Phase == v1alpha1.JobCancelled {
		ended.Job = p.job.Name // Which may have been unknown when it was cancelled.
	}
	recorded := f.recorded(ended.Name).Phase.Finished()
	switch {
	case p.job == nil || evidence.Finished(p.job):
	case ended.Phase == v1alpha1.JobCancelled:
		f.endJob(p, recorded, d)
	case evidence.Single(p.job) && !evidence.Replaced(p.job, p.pods) && !lacksPod(ended):
	case ended.Phase == v1alpha1.JobSucceeded:
		// To fail the Job would be no true word for it.
		ifStored(recorded, func() { d.DeleteJobs = append(d.DeleteJobs, ended.Name) })
	default:
		// A pod that is stopped doesn't show any more why.
		ifStored(recorded, func() { f.endJob(p, true, d) })
	}
}
