package webhook

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Part of a generic request is what may start a Run by itself.
type Part struct {
	// Delivery is its name, of which one Run is started. Empty: the Trigger gives it
	// none.
	Delivery string
	// Body is what expressions see as `body`.
	Body any
}

// NoPart is why a request without any part starts nothing.
const NoPart = "spec.webhook.each gives no element"

// Parts are what the Trigger's `each` and `delivery` make of a generic request's JSON.
// The error is somebody's to act on.
func Parts(env *expr.Env, of *v1alpha1.Webhook, body func() any) ([]Part, error) {
	parts, err := elements(env, of.Each, body)
	if err != nil {
		return nil, fault.New("", fmt.Sprintf("spec.webhook.each: %v", err))
	}
	if of.Delivery == "" {
		return parts, nil
	}
	name, err := env.CompileParam(of.Delivery)
	budget := expr.NewBudget(1)
	for i := range parts {
		if err == nil {
			parts[i].Delivery, err = name.Eval(expr.Vars{Body: parts[i].Body, Budget: budget})
		}
	}
	if err != nil {
		return nil, fault.New("", fmt.Sprintf("spec.webhook.delivery: %v", err))
	}
	return parts, nil
}

// elements that the expression gives; without one the body is it.
func elements(env *expr.Env, each string, body func() any) ([]Part, error) {
	if each == "" {
		return []Part{{Body: body()}}, nil
	}
	objects, err := env.CompileObjects(each)
	if err != nil {
		return nil, err
	}
	found, err := objects.Eval(expr.Vars{Body: body})
	parts := make([]Part, len(found))
	for i := range found {
		parts[i].Body = found[i]
	}
	return parts, err
}

// errNoPart has NoPart for its text.
var errNoPart = errors.New(NoPart)

// apart are a request's events, as the Trigger takes it apart. There is one at least: if
// there were none, it says so.
func (s *Server) apart(ctx context.Context, trigger *v1alpha1.Trigger, events []delivery) []delivery {
	of := trigger.Spec.Webhook
	if of.Provider != v1alpha1.ProviderGeneric || of.Each == "" && of.Delivery == "" || trigger.Spec.Suspend {
		return events
	}
	whole := events[0]
	parts, err := s.parts(ctx, trigger, whole)
	if err == nil && len(parts) == 0 {
		err = errNoPart
	}
	if err != nil {
		whole.wrong = err
		return []delivery{whole}
	}
	found := make([]delivery, 0, len(parts))
	for i, part := range parts {
		d := whole
		d.body = decoded(part.Body)
		if of.Each != "" {
			d.id = tidyID(d.request + "/" + strconv.Itoa(i))
		}
		if len(parts) > 1 {
			d.event = &event.Event{Part: strconv.Itoa(i)}
		}
		if part.Delivery != "" {
			// What is sent again may come with something else.
			d.id, d.digest = tidyID(part.Delivery), ""
		}
		found = append(found, d)
	}
	return found
}

func (s *Server) parts(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) ([]Part, error) {
	body, failed := d.body.lazily(ctx)
	var parts []Part
	var wrong error
	take := func() { parts, wrong = Parts(s.env, trigger.Spec.Webhook, body) }
	if err := errors.Join(s.inTurn(ctx, trigger, take), failed()); err != nil {
		return nil, err
	}
	return parts, wrong
}
