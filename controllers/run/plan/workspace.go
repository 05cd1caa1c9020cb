package plan

import (
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

// AwaitsWorkspace reports whether the scheduler finds no node for a pod that
// mounts the Run's workspace: then the claim may be why.
func AwaitsWorkspace(pod *corev1.Pod) bool {
	return pod.Labels[v1alpha1.WorkspaceLabel] != "" && !evidence.Ended(pod) && unscheduled(pod) != nil
}

// unscheduled returns the condition in which the scheduler says that it finds no
// node, or nil.
func unscheduled(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c
		}
	}
	return nil
}

// unbound says why the workspace keeps a pod from starting. Of a claim whose
// class doesn't exist the scheduler says no more than that it isn't bound.
func (f *Facts) unbound(pods []corev1.Pod, d *Decision) (reason, message string) {
	if f.Unbound == nil {
		return "", ""
	}
	for i := range pods {
		switch {
		case !AwaitsWorkspace(&pods[i]):
		case f.Unbound.Reason != "":
			return v1alpha1.ReasonWorkspacePending, shorten(f.Unbound.Reason + ": " + f.Unbound.Message)
		case f.Now.Sub(unscheduled(&pods[i]).LastTransitionTime.Time) < claimNews:
			d.requeue(askAgain)
		}
	}
	return "", ""
}

// deleteWorkspace deletes what isn't retained of a Run that has ended, once no
// pod uses it. That is recorded before: until then the Run might have gone on.
func (f *Facts) deleteWorkspace(d *Decision) {
	switch {
	case d.Status.Workspace != v1alpha1.WorkspaceDeleting:
	case f.WorkspaceGone:
		d.Status.Workspace = v1alpha1.WorkspaceDeleted
	case f.WorkspaceInUse:
		d.requeue(time.Minute) // It may be a pod of somebody else, which isn't watched.
	default:
		d.DeleteWorkspace = f.atRest()
	}
}

// atRest reports whether no pod of the Run runs, and none will, of a notifier or
// of a Job that is gone included. The end of each is news.
func (f *Facts) atRest() bool {
	for _, pods := range f.Pods {
		if running(pods) {
			return false
		}
	}
	return f.rests()
}

// ClaimFailure returns what the claim's newest event says that tells of a
// failure, given the claim's events, or a blank refusal. Those that say what the
// claim waits for are the scheduler's to explain.
func ClaimFailure(events []corev1.Event) *Refusal {
	last := newest(events, func(e *corev1.Event) bool { return e.Reason == "ProvisioningFailed" || e.Reason == "FailedBinding" })
	if last == nil {
		return &Refusal{}
	}
	return &Refusal{Reason: last.Reason, Message: last.Message}
}
