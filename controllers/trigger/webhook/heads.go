package webhook

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// admit starts the Run of an event that the Trigger's filters take, unless it is about
// a fork's head that nobody has let in.
func (s *Server) admit(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, reason string) (result, error) {
	admission, why := pull.Admit(trigger.Spec.Webhook, d.event)
	switch admission {
	case pull.Free:
		return s.begin(ctx, trigger, d, reason)
	case pull.Shut:
		return result{Outcome: notMatched, Reason: why}, nil
	case pull.Held:
	}
	run, err := s.letIn(ctx, trigger, d.event)
	switch {
	case err != nil:
		return result{}, err
	case run != nil && d.event.Kind == v1alpha1.EventComment:
		return s.begin(ctx, trigger, d, reason)
	case run != nil:
		return result{Outcome: exists, Run: run.Name, Reason: why + ", which was let in"}, nil
	case d.event.Kind == v1alpha1.EventComment:
		return result{Outcome: notMatched, Reason: why + ", and nobody has let it in"}, nil
	}
	if err := s.hold(ctx, trigger, d.event); err != nil {
		return result{}, err
	}
	return result{Outcome: onHold, Reason: why + ": it " + pull.Missing(d.provider, d.event.SHA, d.asks.may(trigger))}, nil
}

// hold stores that the event's head is held, but for one that was let in meanwhile:
// whoever lets it in has its Run first, and then looks whether it is held.
func (s *Server) hold(ctx context.Context, trigger *v1alpha1.Trigger, e *event.Event) error {
	err := s.changeHeld(ctx, trigger, func(held []v1alpha1.HeldHead) ([]v1alpha1.HeldHead, bool) {
		return pull.Hold(held, e, s.opts.Clock.Now())
	})
	if err != nil {
		return err
	}
	run, err := s.letIn(ctx, trigger, e)
	if err != nil || run == nil {
		return err
	}
	return s.release(ctx, trigger, e, e.SHA)
}

// letInBy is the delivery of the Run by which somebody lets the event's head in.
func letInBy(e *event.Event) string { return tidyID(pull.Key(e)) }

// letIn returns the Run by which somebody has let the event's head in, or nil.
func (s *Server) letIn(ctx context.Context, trigger *v1alpha1.Trigger, e *event.Event) (*v1alpha1.Run, error) {
	run := &v1alpha1.Run{}
	key := letInBy(e)
	// A replica that doesn't lead has no Runs in its cache.
	err := s.opts.APIReader.Get(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: start.RunName(trigger.Name, key)}, run)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // That nobody has is a usual answer and no error.
	case err != nil:
		return nil, fmt.Errorf("read the Run of commit %s: %w", e.SHA, err)
	case !pull.Of(run, e) || run.Spec.Origin.SHA != e.SHA || run.Spec.Origin.Trigger != trigger.Name || run.Spec.Origin.Delivery != key:
		// Most hosts don't sign how a delivery is called: a name alone lets nothing in.
		return nil, fmt.Errorf("read the Run of commit %s: %w", e.SHA, start.ErrNameTaken)
	}
	return run, nil
}

// release takes the event's head out of those that are held. SHA is the head that is
// let in; empty: whichever is held.
func (s *Server) release(ctx context.Context, trigger *v1alpha1.Trigger, e *event.Event, sha string) error {
	return s.changeHeld(ctx, trigger, func(held []v1alpha1.HeldHead) ([]v1alpha1.HeldHead, bool) {
		return pull.Release(held, e, sha)
	})
}

// changeHeld stores the heads that the Trigger holds, and looks again where another
// replica, or the record of decisions, has written meanwhile.
func (s *Server) changeHeld(ctx context.Context, trigger *v1alpha1.Trigger, change func([]v1alpha1.HeldHead) ([]v1alpha1.HeldHead, bool)) error {
	for {
		var current v1alpha1.Trigger
		if err := s.opts.APIReader.Get(ctx, client.ObjectKeyFromObject(trigger), &current); err != nil {
			return fmt.Errorf("read the heads that Trigger %s holds: %w", trigger.Name, err)
		}
		changed, differs := change(current.Status.Held)
		if !differs {
			return nil
		}
		before := current.DeepCopy()
		current.Status.Held = changed
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		err := s.opts.Client.Status().Patch(ctx, &current, patch, client.FieldOwner(v1alpha1.FieldManager))
		if err == nil {
			return nil
		}
		if !apierrors.IsConflict(err) || ctx.Err() != nil {
			return fmt.Errorf("store the heads that Trigger %s holds: %w", trigger.Name, err)
		}
	}
}
