package plan

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// observe returns the status of a job that has a Job.
func (f *Facts) observe(s v1alpha1.JobStatus, job *batchv1.Job, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	s.Job = job.Name
	s.StartTime = new(job.CreationTimestamp)
	if s.Phase == v1alpha1.JobWaiting {
		s = f.explain(s, "", "")
		s.Phase = v1alpha1.JobRunning
	}
	pods := f.pods(job)
	s = f.count(s, job, pods)
	if pod := evidence.Interrupted(job, pods); pod != nil {
		reason, message := evidence.Interruption(pod)
		s.CompletionTime = evidence.FinishedAt(pod)
		return f.lose(s, job, reason, message)
	}
	if pod := evidence.Passed(job, pods); pod != nil {
		return f.succeed(s, pod, done)
	}
	switch {
	case evidence.Condition(job, batchv1.JobComplete) != nil:
		return f.complete(s, job, pods, d)
	case evidence.Condition(job, batchv1.JobFailed) != nil:
		return f.fail(s, job, pods, d)
	}
	return f.goOn(s, job, pods, d)
}

// goOn returns the status of a job whose Job has no verdict: what it waits for,
// and whether it has for too long.
func (f *Facts) goOn(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	halted := f.haltOf(s.Name) != nil
	if !halted {
		why, after := evidence.Overrun(pods, f.Now)
		if d.requeue(after); why != "" {
			return f.end(s, v1alpha1.JobFailed, v1alpha1.ReasonTimedOut, why)
		}
	}
	s, silent := f.awaitNode(s, job, pods, d)
	if silent {
		return s
	}
	s, disrupted := f.disrupted(s, job, pods)
	switch {
	case disrupted:
		return s
	case halted:
		return f.interrupting(s, job, pods)
	}
	s, since := f.explainWait(s, job, pods, d)
	if since != nil {
		return f.expire(s, *since, d)
	}
	return s
}

// explainWait says what keeps the Job's pod from starting, if anything does, and
// since when that has counted towards the pendingTimeout, nil if it doesn't.
func (f *Facts) explainWait(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, *time.Time) {
	if evidence.Suspended(job) {
		return f.explain(s, v1alpha1.ReasonSuspended, "its Job is suspended: it waits in a queue, or somebody holds it"), nil
	}
	if evidence.AwaitsPod(job, pods) {
		return f.awaitPod(s, job, pods, d)
	}
	return f.awaitStart(s, pods, d)
}

// complete records that the Job has completed. Of one pod's work that is a
// success only if the pod, or what is known of it, shows it: the Job counts one
// that was drained and ended with 0, and that pod may be gone, or its news on
// their way.
func (f *Facts) complete(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	verdict := evidence.Condition(job, batchv1.JobComplete)
	if evidence.Single(job) && f.Now.Sub(verdict.LastTransitionTime.Time) < evidence.PodNews {
		d.requeue(evidence.PodNews)
		return s
	}
	s.CompletionTime = job.Status.CompletionTime.DeepCopy()
	switch {
	case f.Undisturbed[s.Name]:
		return f.vouchedFor(s)
	case evidence.Single(job):
		reason, message := evidence.LostSuccess(pods)
		return f.lose(s, job, reason, message)
	}
	return f.end(s, v1alpha1.JobSucceeded, "", "")
}
