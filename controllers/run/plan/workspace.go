package plan

import (
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

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
