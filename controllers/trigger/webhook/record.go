package webhook

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// deliverAction is what KayCI did when it came to a recorded decision.
	deliverAction = "Deliver"
	reporter      = "kayci.dev/webhook"
)

// record stores a decision to start nothing as an event on the Trigger. It
// writes by itself rather than through an event recorder, which sends later and
// gives up in silence: the answer promises that the decision is stored. The name
// is the delivery's and its body's, so the same delivery twice is one event.
func (s *Server) record(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, r result) error {
	kind := corev1.EventTypeNormal
	if r.Outcome == invalid {
		kind = corev1.EventTypeWarning
	}
	decision := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: trigger.Namespace, Name: names.Hashed(trigger.Name, names.MaxLabel, d.id, d.digest)},
		EventTime:           metav1.NewMicroTime(s.opts.Clock.Now()),
		ReportingController: reporter,
		ReportingInstance:   s.opts.Instance,
		Action:              deliverAction,
		Reason:              string(r.Outcome),
		Note:                note(r.Reason, d.id),
		Type:                kind,
		Regarding: corev1.ObjectReference{
			APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.TriggerKind,
			Namespace: trigger.Namespace, Name: trigger.Name, UID: trigger.UID, ResourceVersion: trigger.ResourceVersion,
		},
	}
	if err := s.opts.Client.Create(ctx, decision); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("record the decision on delivery %s: %w", d.id, err)
	}
	return nil
}

func note(reason, id string) string {
	suffix := fmt.Sprintf(" (delivery %s)", id)
	return printable.CutBytes(reason, printable.MaxNote-len(suffix)) + suffix
}
