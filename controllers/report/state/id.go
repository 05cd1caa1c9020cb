package state

import (
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// ID names a Run in its check, which the git host gives back where somebody wants it
// again. It has the UID, since another Run may get the name.
func ID(run *v1alpha1.Run) string {
	trigger := ""
	if run.Spec.Origin != nil {
		trigger = run.Spec.Origin.Trigger
	}
	return strings.Join([]string{run.Namespace, trigger, run.Name, string(run.UID)}, "/")
}

// HeldID names what stands at a head that is held: no Run.
func HeldID(trigger *v1alpha1.Trigger) string {
	return strings.Join([]string{trigger.Namespace, trigger.Name, "", string(trigger.UID)}, "/")
}
