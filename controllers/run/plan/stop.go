package plan

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// retryStop is how long to wait before what could not be stopped is tried again.
const retryStop = 5 * time.Second

// interrupt stops the Job of a halted Run, and settles the job when nothing of
// it runs any more. A Job that has its verdict never gets here.
func (f *Facts) interrupt(h *halt, s v1alpha1.JobStatus, job *batchv1.Job, d *Decision) v1alpha1.JobStatus {
	pods := f.pods(job)
	switch {
	case h.passing, evidence.FailedBeside(pods) != nil && f.recorded(s.Name).Message != s.Message:
		// A pod that was told to stop doesn't show any more what it showed before.
		d.requeue(atOnce)
		return f.stopping(s, pods)
	case evidence.HoldsLog(pods):
		return f.stopPods(h, f.stopping(s, pods), pods, d)
	case !evidence.HeldBack(job) && !evidence.Ending(job) && job.DeletionTimestamp == nil:
		f.stop(s.Name, false, d)
		return s
	}
	return h.endJob(f, s)
}

// stopPods stops the running pods of a halted job. It ends without them if their
// nodes don't answer.
func (f *Facts) stopPods(h *halt, s v1alpha1.JobStatus, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	before := len(d.Stop)
	f.stop(s.Name, false, d)
	left := f.stopLeft(s, pods)
	if left <= 0 && len(d.Stop) == before {
		ended := h.endJob(f, unstopped(s, pods))
		// It hasn't stopped: once that is recorded, the Job is ended all the same.
		ended.StoppingSince = s.StoppingSince
		return ended
	}
	d.requeue(max(left, retryStop))
	return s
}

// stopping notes since when the job's pods are to stop, if any runs.
func (f *Facts) stopping(s v1alpha1.JobStatus, pods []corev1.Pod) v1alpha1.JobStatus {
	if s.StoppingSince == nil && evidence.HoldsLog(pods) {
		s.StoppingSince = f.now()
	}
	return s
}

// stop ends the Job. First its running pods, in a way that keeps them and their
// logs; when none runs any more, or their nodes don't answer and that is recorded,
// the Job itself: nothing of it may start again.
// A Job that is held back doesn't come to an end, so it is deleted, once the
// Run's status has recorded what became of it. Its suspension is never touched:
// a queue may own it.
func (f *Facts) stop(name string, recorded bool, d *Decision) {
	job := f.Jobs[name]
	pods := f.pods(job)
	switch {
	case evidence.HoldsLog(pods) && (!recorded || f.mayAnswer(name, pods, d)):
		// Suspending a Job deletes its pods: there is nothing to add.
		if !evidence.Suspended(job) {
			cutDeadlines(pods, d)
		}
	case job.DeletionTimestamp != nil:
	case !evidence.HeldBack(job):
		if !evidence.Ending(job) {
			d.End = append(d.End, name)
		}
	case recorded:
		d.Remove = append(d.Remove, name)
	default:
		d.requeue(atOnce)
	}
}

func cutDeadlines(pods []corev1.Pod, d *Decision) {
	for i := range pods {
		pod := &pods[i]
		if evidence.Started(pod) && !evidence.ToldToStop(pod) {
			d.Stop = append(d.Stop, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		}
	}
}

// lose ends a job whose pod is lost or has failed. Ending or suspending a Job
// deletes its pods, one that has started at the same moment too: in a halted Run
// that is no failure of the job's.
func (f *Facts) lose(s v1alpha1.JobStatus, job *batchv1.Job, reason, message string) v1alpha1.JobStatus {
	if h := f.haltOf(s.Name); h != nil && reason == v1alpha1.ReasonPodDeleted && (evidence.Ending(job) || evidence.Suspended(job)) {
		return h.endJob(f, s)
	}
	return f.end(s, v1alpha1.JobFailed, reason, message)
}
