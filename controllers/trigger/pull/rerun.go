package pull

import (
	"fmt"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// At reports whether the Run is one of the Trigger's at the event's commit, whatever
// came of a pull request since.
func At(run *v1alpha1.Run, trigger *v1alpha1.Trigger, e *event.Event) bool {
	origin := run.Spec.Origin
	return origin != nil && origin.Trigger == trigger.Name && run.Spec.Pipeline == trigger.Spec.Pipeline &&
		origin.SHA == e.SHA && origin.Repository == printable.Text(e.Repository)
}

// Last of the Runs is the one that was created last, or nil.
func Last(runs []v1alpha1.Run) *v1alpha1.Run {
	var last *v1alpha1.Run
	for i := range runs {
		if last == nil || newer(&runs[i], last) {
			last = &runs[i]
		}
	}
	return last
}

// NotAgain is why a Run of a commit isn't retried, given the commit's last. Blank: it
// is.
func NotAgain(run, last *v1alpha1.Run) string {
	switch {
	case !last.Status.Phase.Finished():
		return fmt.Sprintf("Run %s of commit %s has not ended", last.Name, short(last.Spec.Origin.SHA))
	case !run.Status.Phase.Finished():
		return fmt.Sprintf("Run %s has not ended", run.Name)
	case run.Status.Phase == v1alpha1.RunSucceeded:
		return fmt.Sprintf("Run %s has succeeded: there is nothing to retry", run.Name)
	}
	return ""
}
