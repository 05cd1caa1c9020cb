package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// awaitNode says of a job that can't go on because of a silent node what it waits
// for, and ends it when that takes too long, unless it is to end anyway. It reports
// whether there is such a node.
func (f *Facts) awaitNode(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, bool) {
	if evidence.Suspended(job) {
		return s, false
	}
	pod, due, after := evidence.Silent(pods, f.Now)
	d.requeue(after)
	if pod == nil {
		return s, false
	}
	s = f.explain(s, v1alpha1.ReasonNodeSilent, "")
	s.Message = evidence.Unanswered(pod, due)
	if f.haltOf(s.Name) != nil {
		return s, true
	}
	if s = f.expire(s, due, d); !s.Phase.Finished() && pod.Spec.NodeName != "" {
		// Only as long as that helps the job.
		s.Message = evidence.Shorten(s.Message + ", so nothing takes its place; if that node is down for good: kubectl delete node " + pod.Spec.NodeName)
	}
	return s, true
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

// mayAnswer reports whether it is too soon to say that the nodes of the pods of what
// has its result won't tell of their end. Longer than that their Job doesn't wait: it
// would start another pod once somebody else ends them.
func (f *Facts) mayAnswer(name string, pods []corev1.Pod, d *Decision) bool {
	s := f.recorded(name)
	told := cmp.Or(s.StoppingSince, s.CompletionTime, f.Run.Status.CompletionTime)
	for i := range pods {
		pod := &pods[i]
		switch {
		case !evidence.Started(pod):
		case !evidence.ToldToStop(pod):
			if end := evidence.DeadlineOf(pod); end.IsZero() || f.Now.Before(end.Add(evidence.Grace(pod)+evidence.Overtime)) {
				return true
			}
		case told == nil:
			return true
		default:
			if left := told.Add(evidence.Grace(pod) + evidence.Overtime).Sub(f.Now); left > 0 {
				d.requeue(left)
				return true
			}
		}
	}
	return false
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
