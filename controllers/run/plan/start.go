package plan

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// claimNews is for how long after the scheduler has given up on a pod its
// claim's event may come, askAgain how often to look for it: events aren't
// watched.
const (
	claimNews = 2 * time.Minute
	askAgain  = 15 * time.Second
)

// explainWait says what keeps the pod of a part's Job from starting, if anything
// does, and since when that has counted towards the pendingTimeout, nil if it
// doesn't.
func (f *Facts) explainWait(p part, w waiting, d *Decision) (waiting, *time.Time) {
	switch {
	case evidence.Suspended(p.job):
		return f.because(w, v1alpha1.ReasonSuspended, "its Job is suspended: it waits in a queue, or somebody holds it"), nil
	case evidence.AwaitsPod(p.job, p.pods):
		return f.awaitPod(p, w, d)
	default:
		return f.awaitStart(p, w, d)
	}
}

// awaitStart explains what keeps a pod of the Job from starting, if anything
// does, and since when none has started.
func (f *Facts) awaitStart(p part, w waiting, d *Decision) (waiting, *time.Time) {
	reason, message := f.unbound(p.pods, d)
	if reason == "" {
		reason, message = evidence.Problem(p.pods)
	}
	if reason == "" {
		reason, message = f.stalling(p, w, d)
	}
	if reason == "" {
		pod, after := evidence.Untaken(p.pods, f.explainAfter(), f.Now)
		if d.requeue(after); pod != nil {
			reason, message = v1alpha1.ReasonNodeSilent, fmt.Sprintf("pod %s was given to node %s, which has not begun with it", pod.Name, pod.Spec.NodeName)
		}
	}
	return f.becauseOfPod(w, reason, message), evidence.PendingSince(p.pods)
}

// unbound says why the workspace keeps a pod from starting. Of a claim whose
// class doesn't exist the scheduler says no more than that it isn't bound.
func (f *Facts) unbound(pods []corev1.Pod, d *Decision) (reason, message string) {
	if f.Unbound == nil {
		return "", ""
	}
	for i := range pods {
		switch {
		case !evidence.AwaitsWorkspace(&pods[i]):
		case f.Unbound.Reason != "":
			return v1alpha1.ReasonWorkspacePending, evidence.Shorten(f.Unbound.Reason + ": " + f.Unbound.Message)
		case f.Now.Sub(evidence.Unscheduled(&pods[i]).LastTransitionTime.Time) < claimNews:
			d.requeue(askAgain)
		}
	}
	return "", ""
}

// stalling says what keeps a pod from its first container, which is known from
// events.
func (f *Facts) stalling(p part, w waiting, d *Decision) (reason, message string) {
	pod := evidence.StalledPod(p.pods)
	if pod == nil {
		return "", ""
	}
	if why := f.Explained[p.name]; why.Reason != "" {
		return why.Reason, evidence.Shorten(why.Message)
	}
	if evidence.SaidByEvents(w.reason) {
		return w.reason, w.message
	}
	if wait := f.explainAfter() - f.stalledFor(pod); wait > 0 {
		d.requeue(wait)
	} else {
		d.requeue(explainAfter)
	}
	return "", ""
}

func (f *Facts) stalledFor(pod *corev1.Pod) time.Duration {
	return f.Now.Sub(pod.Status.StartTime.Time)
}
