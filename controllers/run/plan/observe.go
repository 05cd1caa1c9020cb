package plan

import (
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// observe returns the status of a job that has a Job.
func (f *Facts) observe(p part, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	s.Job = p.job.Name
	if s.Phase == v1alpha1.JobWaiting {
		s = f.explain(s, "", "")
		s.Phase = v1alpha1.JobRunning
	}
	s = count(p, s)
	if pod := evidence.Interrupted(p.job, p.pods); pod != nil {
		reason, message := evidence.Interruption(pod)
		s.CompletionTime = evidence.FinishedAt(pod)
		return f.lose(p, s, reason, message)
	}
	if pod := evidence.Passed(p.job, p.pods); pod != nil {
		return f.succeed(s, pod, done)
	}
	switch {
	case evidence.Condition(p.job, batchv1.JobComplete) != nil:
		return f.complete(p, s, d)
	case evidence.Condition(p.job, batchv1.JobFailed) != nil:
		return f.fail(p, s, d)
	}
	return f.goOn(p, s, d)
}

// goOn returns the status of a job whose Job has no verdict: what it waits for,
// and whether it has for too long.
func (f *Facts) goOn(p part, s v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if p.halt == nil {
		why, after := evidence.Overrun(p.pods, f.Now)
		if d.requeue(after); why != "" {
			return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonTimedOut, why)
		}
	}
	s, silent := f.awaitNode(p, s, d)
	if silent {
		return s
	}
	s, disrupted := f.disrupted(p, s)
	switch {
	case disrupted:
		return s
	case p.halt != nil:
		return f.halting(p, s)
	}
	w, since := f.explainWait(p, waitOf(s), d)
	if s = w.of(s); since != nil {
		return f.expire(s, *since, d)
	}
	return s
}

// awaitNode says of a job that can't go on because of a silent node what it waits
// for, and ends it when that takes too long, unless it is to end anyway. It reports
// whether there is such a node.
func (f *Facts) awaitNode(p part, s v1alpha1.JobStatus, d *Decision) (v1alpha1.JobStatus, bool) {
	if evidence.Suspended(p.job) {
		return s, false
	}
	pod, due, after := evidence.Silent(p.pods, f.Now)
	if d.requeue(after); pod == nil {
		return s, false
	}
	s = f.explain(s, v1alpha1.ReasonNodeSilent, "")
	s.Message = evidence.Unanswered(pod, due)
	if p.halt != nil {
		return s, true
	}
	if s = f.expire(s, due, d); !s.Phase.Finished() && pod.Spec.NodeName != "" {
		// Only as long as that helps the job.
		s.Message = evidence.Shorten(s.Message + ", so nothing takes its place; if that node is down for good: kubectl delete node " + pod.Spec.NodeName)
	}
	return s, true
}

// complete records that the Job has completed. Of one pod's work that is a
// success only if the pod, or what is known of it, shows it: the Job counts one
// that was drained and ended with 0, and that pod may be gone, or its news on
// their way.
func (f *Facts) complete(p part, s v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	verdict := evidence.Condition(p.job, batchv1.JobComplete)
	if (evidence.Single(p.job) || evidence.AwaitsKeep(p.pods)) && f.Now.Sub(verdict.LastTransitionTime.Time) < evidence.PodNews {
		d.requeue(evidence.PodNews)
		return s
	}
	s.CompletionTime = p.job.Status.CompletionTime.DeepCopy()
	switch unkept := evidence.UnkeptOf(p.pods); {
	case f.Undisturbed[s.Name] && f.keeps(s.Name):
		return f.finish(s, v1alpha1.JobSucceeded, "", podGone+", and whether it kept what it was to isn't known")
	case f.Undisturbed[s.Name]:
		// What its pod may have left as outputs went with it.
		return f.finish(s, v1alpha1.JobSucceeded, "", podGone)
	case evidence.Single(p.job):
		reason, message := evidence.LostSuccess(p.pods)
		return f.lose(p, s, reason, message)
	case unkept != "":
		return f.lack(s, unkept)
	}
	return f.finish(s, v1alpha1.JobSucceeded, "", "")
}

// podGone says of a job that has succeeded that only events show it.
const podGone = "its pod is gone, with its log and outputs; its events say that it ended by itself"

// fail records why the Job failed.
func (f *Facts) fail(p part, s v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	verdict := evidence.Condition(p.job, batchv1.JobFailed)
	if evidence.Running(p.pods) && f.Now.Sub(verdict.LastTransitionTime.Time) < evidence.PodNews {
		d.requeue(evidence.PodNews)
		return s
	}
	s.CompletionTime = verdict.LastTransitionTime.DeepCopy()
	if p.halt != nil && (evidence.Stopped(p.pods) || evidence.Condemned(p.job, verdict)) {
		return p.halt.finish(f, p, s)
	}
	reason, message := evidence.Failure(p.job, p.pods, f.Explained[s.Name])
	return f.lose(p, s, reason, message)
}
