package evidence

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Silence is how much longer than it may take a node may say nothing of a pod
// before that is worth a word.
const Silence = 30 * time.Second

// Overtime is how much longer a pod that was to be stopped may run before its
// job ends without it. Clocks of machines differ.
const Overtime = 2 * time.Minute

// Unanswered says what a silent node doesn't. That the node is known to be down
// nobody else can tell.
func Unanswered(pod *corev1.Pod, due time.Time) string {
	text := fmt.Sprintf("pod %s was to end by %s", pod.Name, due.UTC().Format(time.RFC3339))
	if c := disruptionTarget(pod); c != nil {
		text += " (" + c.Reason + ")"
	}
	if pod.Spec.NodeName == "" {
		return Shorten(text + ", and the cluster's pod garbage collector hasn't ended it")
	}
	return Shorten(text + ", and its node hasn't said that it has; it may still run")
}

// Silent returns a pod that is to have ended and hasn't, as far as is known, and by
// when it was to. None if the Job has another pod that goes on. After says when
// there may be one, 0 for when something is seen.
func Silent(pods []corev1.Pod, now time.Time) (silent *corev1.Pod, due time.Time, after time.Duration) {
	if slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return !Ended(&pod) && dueEnd(&pod).IsZero() }) {
		return nil, time.Time{}, 0
	}
	for i := range pods {
		pod := &pods[i]
		if Ended(pod) {
			continue
		}
		at := dueEnd(pod)
		if left := at.Add(Silence).Sub(now); left > 0 {
			return nil, time.Time{}, left
		}
		if at.After(due) {
			silent, due = pod, at
		}
	}
	return silent, due, 0
}

// Overrun says that a pod goes on longer than its timeout allows, blank if none
// does: its node is silent, and nobody else stops it. After says when one may, 0
// for never.
func Overrun(pods []corev1.Pod, now time.Time) (why string, after time.Duration) {
	for i := range pods {
		pod := &pods[i]
		end := DeadlineOf(pod)
		if Ended(pod) || end.IsZero() {
			continue
		}
		allowed := end.Add(Grace(pod) + Overtime)
		due := dueEnd(pod)
		if pod.DeletionTimestamp != nil && !now.Before(due.Add(Silence)) {
			allowed = end // It is known by now that nobody stops it.
		}
		if left := allowed.Sub(now); left > 0 {
			if after == 0 || left < after {
				after = left
			}
			continue
		}
		if due.IsZero() || due.After(end) {
			due = end.Add(Grace(pod))
		}
		return Shorten("its timeout" + deadline(pod) + " is over; " + Unanswered(pod, due)), 0
	}
	return "", after
}

// Untaken returns a pod that a node was given for longer than it may take, and
// that the node has not even begun with. After says when there may be one, 0 for
// when something is seen.
func Untaken(pods []corev1.Pod, patience time.Duration, now time.Time) (untaken *corev1.Pod, after time.Duration) {
	for i := range pods {
		pod := &pods[i]
		if pod.Spec.NodeName == "" || pod.Status.Phase != corev1.PodPending || pod.Status.StartTime != nil || pod.DeletionTimestamp != nil {
			continue
		}
		left := patience - now.Sub(assignedAt(pod))
		if left <= 0 {
			return pod, 0
		}
		if after == 0 || left < after {
			after = left
		}
	}
	return nil, after
}
