package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/controllers/run/evidence"
)

// retryStop is how long to wait before what could not be stopped is tried again.
const retryStop = 5 * time.Second

// endJob ends the Job. First its running pods are stopped; when none runs any more,
// or their nodes don't answer and that is recorded, the Job itself ends: nothing of
// it may start again.
// A Job that is held back doesn't come to an end, so it is deleted, once the
// Run's status has recorded what became of it. Its suspension is never touched:
// a queue may own it.
func (f *Facts) endJob(p part, recorded bool, d *Decision) {
	switch {
	case evidence.HoldsLog(p.pods) && (!recorded || f.mayAnswer(p, d)):
		// Suspending a Job deletes its pods: there is nothing to add.
		if !evidence.Suspended(p.job) {
			stopPods(p.pods, d)
		}
	case p.job.DeletionTimestamp != nil:
	case !evidence.HeldBack(p.job):
		if !evidence.Ending(p.job) {
			d.EndJobs = append(d.EndJobs, p.name)
		}
	default:
		ifStored(recorded, func() { d.DeleteJobs = append(d.DeleteJobs, p.name) })
	}
}

func stopPods(pods []corev1.Pod, d *Decision) {
	for i := range pods {
		pod := &pods[i]
		if evidence.Started(pod) && !evidence.ToldToStop(pod) {
			d.StopPods = append(d.StopPods, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		}
	}
}

// mayAnswer reports whether it is too soon to say that the nodes of the pods of what
// has its result won't tell of their end. Longer than that their Job doesn't wait: it
// would start another pod once somebody else ends them.
func (f *Facts) mayAnswer(p part, d *Decision) bool {
	for i := range p.pods {
		pod := &p.pods[i]
		switch {
		case !evidence.Started(pod):
		case !evidence.ToldToStop(pod):
			if end := evidence.DeadlineOf(pod); end.IsZero() || f.Now.Before(end.Add(evidence.Grace(pod)+evidence.Overtime)) {
				return true
			}
		case p.told == nil:
			return true
		default:
			if left := p.told.Add(evidence.Grace(pod) + evidence.Overtime).Sub(f.Now); left > 0 {
				d.requeue(left)
				return true
			}
		}
	}
	return false
}
