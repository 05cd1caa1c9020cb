package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// haltJob ends the Job of a halted Run, and finishes the job when nothing of
// it runs any more. A Job that has its verdict never gets here.
func (f *Facts) haltJob(p part, s v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	s = f.stopping(p, s)
	// A pod that was told to stop doesn't show any more what it showed before.
	known := evidence.FailedBeside(p.pods) == nil || f.recorded(s.Name).Message == s.Message
	ifStored(known && !p.halt.passing, func() {
		switch {
		case evidence.HoldsLog(p.pods):
			s = f.stopHalted(p, s, d)
		case !evidence.HeldBack(p.job) && !evidence.Ending(p.job) && p.job.DeletionTimestamp == nil:
			f.endJob(p, false, d)
		default:
			s = p.halt.finish(f, p, s)
		}
	})
	return s
}

// stopping notes since when the job's pods are to stop, if any runs.
func (f *Facts) stopping(p part, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	if s.StoppingSince == nil && evidence.HoldsLog(p.pods) {
		s.StoppingSince = f.timestamp()
	}
	return s
}

// stopHalted stops the running pods of a halted job. It ends without them if their
// nodes don't answer.
func (f *Facts) stopHalted(p part, s v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	before := len(d.StopPods)
	f.endJob(p, false, d)
	left := f.stopLeft(s, p.pods)
	if left <= 0 && len(d.StopPods) == before {
		ended := p.halt.finish(f, p, unstopped(s, p.pods))
		// It hasn't stopped: once that is recorded, the Job is ended all the same.
		ended.StoppingSince = s.StoppingSince
		return ended
	}
	d.requeue(max(left, retryStop))
	return s
}

// stopLeft returns for how much longer pods that were told to stop are waited for.
func (f *Facts) stopLeft(s v1alpha1.JobStatus, pods []corev1.Pod) time.Duration {
	longest := time.Duration(0)
	for i := range pods {
		if evidence.Started(&pods[i]) {
			longest = max(longest, evidence.Grace(&pods[i]))
		}
	}
	return s.StoppingSince.Add(longest + evidence.Overtime).Sub(f.Now)
}

// unstopped says of a job whose pods were told to stop in vain what is known of
// the first. What was known of it before stays.
func unstopped(s v1alpha1.JobStatus, pods []corev1.Pod) v1alpha1.JobStatus {
	i := slices.IndexFunc(pods, func(pod corev1.Pod) bool { return evidence.Started(&pod) })
	text := fmt.Sprintf("node %s hasn't said that pod %s has ended, which may still run", pods[i].Spec.NodeName, pods[i].Name)
	if before := trouble(s); before != "" {
		text = before + "; " + text
	}
	s.Reason, s.Message = cmp.Or(s.Reason, v1alpha1.ReasonNodeSilent), text
	if trouble(s) == "" {
		s.Reason = v1alpha1.ReasonNodeSilent
	}
	return s
}

// halting returns the status of a job that is being stopped. The pod won't
// show any more what it showed before, so what was known stays.
func (f *Facts) halting(p part, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	if c := evidence.FailedBeside(p.pods); c != nil {
		reason, message := evidence.ContainerFailure(c)
		return f.explain(s, reason, evidence.Shorten(message))
	}
	w, _ := f.explainWait(p, waitOf(s), &Decision{})
	if w.reason == "" || w.reason == v1alpha1.ReasonAwaitingPod {
		return s
	}
	return w.of(s)
}

// lose ends a job whose pod is lost or has failed. Ending or suspending a Job
// deletes its pods, one that has started at the same moment too: in a halted Run
// that is no failure of the job's.
func (f *Facts) lose(p part, s v1alpha1.JobStatus, reason, message string) v1alpha1.JobStatus {
	if p.halt != nil && reason == v1alpha1.ReasonPodDeleted && (evidence.Ending(p.job) || evidence.Suspended(p.job)) {
		return p.halt.finish(f, p, s)
	}
	return f.finish(s, v1alpha1.JobFailed, reason, message)
}
