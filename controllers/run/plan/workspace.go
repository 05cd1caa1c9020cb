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
		if evidence.Running(pods) {
			return false
		}
	}
	return f.rests()
}
