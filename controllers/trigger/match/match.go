// Package match decides whether an event starts a Run by a Trigger, and says
// why in either case. It is pure.
package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
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

// Fact is something that an event may not tell.
type Fact string

// The facts.
const (
	// ChangedPaths are all paths that have changed.
	ChangedPaths Fact = "ChangedPaths"
	// BaseBranch is what a comment's pull request is to be merged into.
	BaseBranch Fact = "BaseBranch"
)

// Decision is an outcome with its reason, a sentence for people.
type Decision struct {
	Outcome Outcome
	Reason  string
	// Unknown are facts without which the event is let through: a Run too many is a
	// smaller loss than one that is missing. Who can find them out completes the event
	// and decides again.
	Unknown []Fact
}

// filter says whether an event gets past one field of a webhook. The reason of one
// that has nothing to say is empty.
type filter func(*v1alpha1.Webhook, *event.Event) Decision

// filters in the order in which they are asked: what is cheap, and tells a person
// most, first.
func filters() []filter {
	return []filter{decideKind, decideDeletion, decideAction, decideSkip, decideDraft, decideLabels, decideRef, decidePaths}
}

// Decide says whether the event, with the request's JSON as body, starts a Run.
func Decide(env *expr.Env, trigger *v1alpha1.TriggerSpec, e *event.Event, body any) Decision {
	if trigger.Suspend {
		return Decision{Outcome: Suspended, Reason: "the Trigger is suspended: spec.suspend is true"}
	}
	if trigger.Webhook == nil {
		return Decision{Outcome: Invalid, Reason: "the Trigger has no webhook"}
	}
	decision := yes("the request is authentic")
	if trigger.Webhook.Provider != v1alpha1.ProviderGeneric {
		decision = decideEvent(trigger.Webhook, e)
	}
	if decision.Outcome != Matched || trigger.Webhook.If == "" {
		return decision
	}
	return decision.and(decideCondition(env, trigger.Webhook.If, e, body), ", and ")
}

func decideEvent(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	decision := Decision{Outcome: Matched}
	for _, filter := range filters() {
		decision = decision.and(filter(webhook, e), ", ")
		if decision.Outcome != Matched {
			break
		}
	}
	return decision
}

// and is the decision of two filters, of which the first lets the event through.
func (d Decision) and(next Decision, glue string) Decision {
	if next.Outcome != Matched {
		return next
	}
	reasons := slices.DeleteFunc([]string{d.Reason, next.Reason}, func(reason string) bool { return reason == "" })
	facts := slices.Concat(d.Unknown, next.Unknown)
	slices.Sort(facts)
	return Decision{Outcome: Matched, Reason: strings.Join(reasons, glue), Unknown: slices.Compact(facts)}
}

func yes(format string, args ...any) Decision {
	return Decision{Outcome: Matched, Reason: fmt.Sprintf(format, args...)}
}

func no(format string, args ...any) Decision {
	return Decision{Outcome: NotMatched, Reason: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) Decision {
	return Decision{Outcome: Invalid, Reason: fmt.Sprintf(format, args...)}
}

// unknown lets an event through that doesn't tell a fact.
func unknown(fact Fact, format string, args ...any) Decision {
	return Decision{Outcome: Matched, Reason: fmt.Sprintf(format, args...), Unknown: []Fact{fact}}
}

const (
	// maxListed keeps a Trigger of many branches from making its reasons unreadable.
	maxListed = 8
	// maxItem bounds what a reason repeats of a name, in characters. Globs are no longer.
	maxItem = 255
)

func list[T ~string](items []T) string {
	texts := make([]string, 0, maxListed)
	for _, item := range items[:min(len(items), maxListed)] {
		texts = append(texts, printable.Cut(string(item), maxItem))
	}
	if more := len(items) - maxListed; more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}
