package run

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// announce tells that the Run has ended.
func (r *Reconciler) announce(run *v1alpha1.Run) {
	kind := corev1.EventTypeNormal
	if run.Status.Phase == v1alpha1.RunFailed {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(run, nil, kind, string(run.Status.Phase), "Run", "%s", printable.CutBytes(verdict(run).Message, printable.MaxNote))
}

// announceNotifiers tells which notifiers are known to have failed now and were
// not before.
func (r *Reconciler) announceNotifiers(run *v1alpha1.Run, before []v1alpha1.NotifierStatus) {
	known := map[plan.Notice]string{}
	for i := range before {
		known[plan.Notice{Notifier: before[i].Name, Phase: before[i].Phase}] = before[i].Reason
	}
	for i := range run.Status.Notifiers {
		s := &run.Status.Notifiers[i]
		if s.Reason == "" || s.Reason == known[plan.Notice{Notifier: s.Name, Phase: s.Phase}] {
			continue
		}
		note := fmt.Sprintf("notifier %s of the phase %s: %s: %s", s.Name, s.Phase, s.Reason, s.Message)
		r.Recorder.Eventf(run, nil, corev1.EventTypeWarning, v1alpha1.ReasonNotifierFailed, "Notify", "%s", printable.CutBytes(note, printable.MaxNote))
	}
}
