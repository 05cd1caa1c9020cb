// Package match decides whether an event starts a Run by a Trigger, and says
// why in either case. It is pure.
package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Outcome is what a Trigger makes of an event.
type Outcome string

// The outcomes.
const (
	// Matched: a Run is to be started.
	Matched Outcome = "Matched"
	// NotMatched: the Trigger is about other events.
	NotMatched Outcome = "NotMatched"
	// Suspended: the Trigger ignores all events.
	Suspended Outcome = "Suspended"
	// Invalid: the Trigger can't tell, because its `if` is wrong.
	Invalid Outcome = "Invalid"
)

// Decision is an outcome with its reason, a sentence for people.
type Decision struct {
	Outcome Outcome
	Reason  string
}

// Decide says whether the event, with the request's JSON as body, starts a Run.
func Decide(env *expr.Env, trigger *v1alpha1.TriggerSpec, e *event.Event, body any) Decision {
	if trigger.Suspend {
		return Decision{Suspended, "the Trigger is suspended: spec.suspend is true"}
	}
	if trigger.Webhook == nil {
		return Decision{Invalid, "the Trigger has no webhook"}
	}
	reason := "the request is authentic"
	if trigger.Webhook.Provider != v1alpha1.ProviderGeneric {
		decision := decideEvent(trigger.Webhook, e)
		if decision.Outcome != Matched {
			return decision
		}
		reason = decision.Reason
	}
	return decideCondition(env, trigger.Webhook.If, reason, e, body)
}

func decideEvent(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	if e.Kind == event.KindPing {
		return Decision{NotMatched, "ping: address and secret are right, and there is nothing to start"}
	}
	if kinds := eventKinds(webhook); !slices.Contains(kinds, e.Kind) {
		return no("the event is %s, not %s", e.Kind, list(kinds))
	}
	if e.Deleted {
		return no("%s was deleted, so there is no commit to run", e.Ref)
	}
	if len(webhook.Branches) == 0 {
		return Decision{Matched, fmt.Sprintf("a push of %s", e.Ref)}
	}
	return decideBranch(webhook.Branches, e)
}

func eventKinds(webhook *v1alpha1.Webhook) []v1alpha1.EventKind {
	if len(webhook.Events) == 0 {
		return []v1alpha1.EventKind{v1alpha1.EventPush}
	}
	return webhook.Events
}

func decideBranch(patterns []string, e *event.Event) Decision {
	switch {
	case e.Tag != "":
		return no("tag %s is no branch, and branches are given", e.Tag)
	case e.Branch == "":
		return no("%s is no branch, and branches are given", e.Ref)
	}
	for _, pattern := range patterns {
		if err := validation.Glob(pattern); err != nil {
			return Decision{Invalid, fmt.Sprintf("spec.webhook.branches: %q %v", pattern, err)}
		}
		if doublestar.MatchUnvalidated(pattern, e.Branch) {
			return Decision{Matched, fmt.Sprintf("branch %s matches %s", e.Branch, pattern)}
		}
	}
	return no("branch %s matches none of %s", e.Branch, list(patterns))
}

func decideCondition(env *expr.Env, source, reason string, e *event.Event, body any) Decision {
	if source == "" {
		return Decision{Matched, reason}
	}
	condition, err := env.CompileCondition(source)
	if err != nil {
		return Decision{Invalid, fmt.Sprintf("spec.webhook.if: %v", err)}
	}
	holds, err := condition.Eval(expr.Vars{Event: e.Expr(), Body: body})
	switch {
	case errors.Is(err, expr.ErrPathsUnknown):
		// A Run too many is a smaller loss than one that is missing.
		return Decision{Matched, fmt.Sprintf("%s, and spec.webhook.if depends on the list of changed paths, which is incomplete: %s", reason, e.PathsGap)}
	case err != nil:
		return Decision{Invalid, fmt.Sprintf("spec.webhook.if: %v", err)}
	case !holds:
		return no("spec.webhook.if is false: %s", shortened(source))
	}
	return Decision{Matched, reason + ", and spec.webhook.if is true"}
}

func no(format string, args ...any) Decision {
	return Decision{NotMatched, fmt.Sprintf(format, args...)}
}

// maxListed keeps a Trigger of many branches from making its reasons unreadable.
const maxListed = 8

func list[T ~string](items []T) string {
	texts := make([]string, 0, maxListed)
	for _, item := range items[:min(len(items), maxListed)] {
		texts = append(texts, string(item))
	}
	if more := len(items) - maxListed; more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}

// maxSource bounds what a reason repeats of a condition, in characters.
const maxSource = 200

func shortened(source string) string {
	return printable.Cut(strings.Join(strings.Fields(source), " "), maxSource)
}
