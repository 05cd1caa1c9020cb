package source

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// action is what KayCI did when it came to what an event tells.
const action = "Start"

// Warn tells by an event of a Run that isn't started. Related is what it was to be about;
// nil: no object.
func Warn(to events.EventRecorder, trigger *v1alpha1.Trigger, related runtime.Object, reason, note string) {
	to.Eventf(trigger, related, corev1.EventTypeWarning, reason, action, "%s", printable.CutBytes(printable.Text(note), printable.MaxNote))
}
