package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

const (
	// silence is how much longer than it may take a node may say nothing of a pod
	// before that is worth a word.
	silence = 30 * time.Second
	// overtime is how much longer a pod that was to be stopped may run before its
	// job ends without it. Clocks of machines differ.
	overtime = 2 * time.Minute
)

func grace(pod *corev1.Pod) time.Duration {
	return time.Duration(ptr.Deref(pod.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)) * time.Second
}

// dueEnd returns when the pod is to have ended, the zero time if it may go on.
func dueEnd(pod *corev1.Pod) time.Time {
	switch ended := finishedAt(pod); {
	case pod.DeletionTimestamp != nil:
		return pod.DeletionTimestamp.Time
	case ended != nil && containersEnded(pod):
		return ended.Add(grace(pod))
	default:
		return time.Time{}
	}
}

func containersEnded(pod *corev1.Pod) bool {
	return len(pod.Status.ContainerStatuses) == len(pod.Spec.Containers) &&
		!slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.State.Terminated == nil })
}

// silentPod returns a pod that is to have ended and hasn't, as far as is known,
// and by when it was to. None if the Job has another pod that goes on.
func (f *Facts) silentPod(pods []corev1.Pod, d *Decision) (silent *corev1.Pod, due time.Time) {
	if slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return !evidence.Ended(&pod) && dueEnd(&pod).IsZero() }) {
		return nil, time.Time{}
	}
	for i := range pods {
		pod := &pods[i]
		if evidence.Ended(pod) {
			continue
		}
		at := dueEnd(pod)
		if left := at.Add(silence).Sub(f.Now); left > 0 {
			d.requeue(left)
			return nil, time.Time{}
		}
		if at.After(due) {
			silent, due = pod, at
		}
	}
	return silent, due
}

// awaitNode says of a job that can't go on because of a silent node what it waits
// for, and ends it when that takes too long, unless it is to end anyway. It reports
// whether there is such a node.
func (f *Facts) awaitNode(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, bool) {
	if suspended(job) {
		return s, false
	}
	pod, due := f.silentPod(pods, d)
	if pod == nil {
		return s, false
	}
	s = f.explain(s, v1alpha1.ReasonNodeSilent, "")
	s.Message = unanswered(pod, due)
	if f.haltOf(s.Name) != nil {
		return s, true
	}
	if s = f.expire(s, due, d); !s.Phase.Finished() && pod.Spec.NodeName != "" {
		// Only as long as that helps the job.
		s.Message = shorten(s.Message + ", so nothing takes its place; if that node is down for good: kubectl delete node " + pod.Spec.NodeName)
	}
	return s, true
}

// unanswered says what a silent node doesn't. That the node is known to be down
// nobody else can tell.
func unanswered(pod *corev1.Pod, due time.Time) string {
	text := fmt.Sprintf("pod %s was to end by %s", pod.Name, due.UTC().Format(time.RFC3339))
	if c := disruptionTarget(pod); c != nil {
		text += " (" + c.Reason + ")"
	}
	if pod.Spec.NodeName == "" {
		return shorten(text + ", and the cluster's pod garbage collector hasn't ended it")
	}
	return shorten(text + ", and its node hasn't said that it has; it may still run")
}

// untaken says of a pod that its node has not even begun with it.
func (f *Facts) untaken(pods []corev1.Pod, d *Decision) (reason, message string) {
	for i := range pods {
		pod := &pods[i]
		if pod.Spec.NodeName == "" || pod.Status.Phase != corev1.PodPending || pod.Status.StartTime != nil || pod.DeletionTimestamp != nil {
			continue
		}
		if left := f.explainAfter() - f.Now.Sub(assignedAt(pod)); left > 0 {
			d.requeue(left)
			continue
		}
		return v1alpha1.ReasonNodeSilent, fmt.Sprintf("pod %s was given to node %s, which has not begun with it", pod.Name, pod.Spec.NodeName)
	}
	return "", ""
}

func assignedAt(pod *corev1.Pod) time.Time {
	at := pod.CreationTimestamp.Time
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.LastTransitionTime.After(at) {
			at = c.LastTransitionTime.Time
		}
	}
	return at
}

// overrun says that a pod goes on longer than its timeout allows, blank if none
// does: its node is silent, and nobody else stops it.
func (f *Facts) overrun(pods []corev1.Pod, d *Decision) string {
	for i := range pods {
		pod := &pods[i]
		end := deadlineOf(pod)
		if evidence.Ended(pod) || end.IsZero() {
			continue
		}
		allowed := end.Add(grace(pod) + overtime)
		due := dueEnd(pod)
		if pod.DeletionTimestamp != nil && !f.Now.Before(due.Add(silence)) {
			allowed = end // It is known by now that nobody stops it.
		}
		if left := allowed.Sub(f.Now); left > 0 {
			d.requeue(left)
			continue
		}
		if due.IsZero() || due.After(end) {
			due = end.Add(grace(pod))
		}
		return shorten("its timeout" + deadline(pod) + " is over; " + unanswered(pod, due))
	}
	return ""
}

// stopLeft returns for how much longer pods that were told to stop are waited for.
func (f *Facts) stopLeft(s v1alpha1.JobStatus, pods []corev1.Pod) time.Duration {
	longest := time.Duration(0)
	for i := range pods {
		if started(&pods[i]) {
			longest = max(longest, grace(&pods[i]))
		}
	}
	return s.StoppingSince.Add(longest + overtime).Sub(f.Now)
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
		case !started(pod):
		case !toldToStop(pod):
			if end := deadlineOf(pod); end.IsZero() || f.Now.Before(end.Add(grace(pod)+overtime)) {
				return true
			}
		case told == nil:
			return true
		default:
			if left := told.Add(grace(pod) + overtime).Sub(f.Now); left > 0 {
				d.requeue(left)
				return true
			}
		}
	}
	return false
}

// deadlineOf returns when the pod is over its own deadline, the zero time for never.
func deadlineOf(pod *corev1.Pod) time.Time {
	if pod.Spec.ActiveDeadlineSeconds == nil || pod.Status.StartTime == nil {
		return time.Time{}
	}
	return pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)
}

// unstopped says of a job whose pods were told to stop in vain what is known of
// the first. What was known of it before stays.
func unstopped(s v1alpha1.JobStatus, pods []corev1.Pod) v1alpha1.JobStatus {
	i := slices.IndexFunc(pods, func(pod corev1.Pod) bool { return started(&pod) })
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
