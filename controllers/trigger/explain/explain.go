// Package explain says what Triggers would make of a request, and asks no cluster. It
// asks what decides about a delivery, but for the signature, and starts nothing.
package explain

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
	"github.com/kayci/kayci/controllers/trigger/webhook"
)

// Answer is what one Trigger would make of the request.
type Answer struct {
	Trigger  string `json:"trigger"`
	Pipeline string `json:"pipeline"`
	// Outcome is Created, NotMatched, Suspended, Held, Refused or Invalid.
	Outcome v1alpha1.DecisionOutcome `json:"outcome"`
	// Reason for the outcome, a sentence.
	Reason string `json:"reason"`
	// Params that the Run would be given. Those that the Pipeline has a default for
	// are not among them.
	Params map[string]string `json:"params,omitempty"`
}

// Objects are what a folder renders, or a namespace holds.
type Objects struct {
	Triggers  []*v1alpha1.Trigger
	Pipelines []*v1alpha1.Pipeline
}

// Request is what a git host or program sends.
type Request struct {
	Header http.Header
	Body   []byte
}

// Explain answers for each Trigger, in the order of their names, and each of the
// request's events.
func Explain(objects Objects, request Request) ([]Answer, error) {
	env, err := expr.SharedTriggerEnv()
	if err != nil {
		return nil, err
	}
	triggers := slices.SortedFunc(slices.Values(objects.Triggers), func(a, b *v1alpha1.Trigger) int { return strings.Compare(a.Name, b.Name) })
	answers := make([]Answer, 0, len(triggers))
	for _, trigger := range triggers {
		for _, answer := range ask(env, trigger, objects.Pipelines, request) {
			answer.Trigger, answer.Pipeline, answer.Reason = trigger.Name, trigger.Spec.Pipeline, printable.Text(answer.Reason)
			answers = append(answers, answer)
		}
	}
	return answers, nil
}

// ask one Trigger about the request.
func ask(env *expr.Env, trigger *v1alpha1.Trigger, pipelines []*v1alpha1.Pipeline, request Request) []Answer {
	if reason := unaddressed(trigger.Spec.Webhook, request.Header); reason != "" {
		return []Answer{{Outcome: v1alpha1.DecisionNotMatched, Reason: reason}}
	}
	events, body, err := webhook.Read(trigger.Spec.Webhook.Provider, request.Header, request.Body)
	if err != nil {
		return []Answer{invalid("the request can't be read: %v", err)}
	}
	parts := []webhook.Part{{Body: body}}
	if trigger.Spec.Webhook.Provider == v1alpha1.ProviderGeneric && !trigger.Spec.Suspend {
		if parts, err = webhook.Parts(env, trigger.Spec.Webhook, func() any { return body }); err != nil {
			return []Answer{invalid("%v", err)}
		}
	}
	if len(parts) == 0 {
		return []Answer{{Outcome: v1alpha1.DecisionNotMatched, Reason: webhook.NoPart}}
	}
	answers := make([]Answer, 0, len(events)*len(parts))
	for _, one := range events {
		for _, part := range parts {
			answers = append(answers, decide(env, trigger, pipelines, one, part.Body))
		}
	}
	return answers
}

// decide as the receiver of webhooks does, but for what that asks the git host.
func decide(env *expr.Env, trigger *v1alpha1.Trigger, pipelines []*v1alpha1.Pipeline, e *event.Event, body any) Answer {
	if e.Again() {
		return Answer{Outcome: v1alpha1.DecisionNotMatched, Reason: "somebody wants a Run again: which Runs there are only the cluster knows"}
	}
	wish := pull.Understand(trigger.Name, trigger.Spec.Webhook, e)
	if wish.Verb != pull.Nothing && !trigger.Spec.Suspend {
		if answer := obey(trigger, wish); answer != nil {
			return *answer
		}
		e = pull.Proposed(trigger.Spec.Webhook, e)
	}
	decision := match.Decide(env, &trigger.Spec, e, body)
	if decision.Outcome != match.Matched {
		return Answer{Outcome: v1alpha1.DecisionOutcome(decision.Outcome), Reason: decision.Reason}
	}
	paths := wanted(trigger, e, decision)
	if wish.Verb == pull.Nothing {
		if answer := admit(trigger, e, paths); answer != nil {
			return *answer
		}
	}
	at := slices.IndexFunc(pipelines, func(p *v1alpha1.Pipeline) bool { return p.Name == trigger.Spec.Pipeline })
	if at < 0 {
		return invalid("there is no Pipeline %s beside the Trigger, so that the parameters aren't known", trigger.Spec.Pipeline)
	}
	params, err := webhook.Params(env, trigger, pipelines[at], e, func() any { return body })
	if err != nil {
		return invalid("%v", err)
	}
	return Answer{Outcome: v1alpha1.DecisionCreated, Reason: decision.Reason + paths, Params: params}
}

// wanted says that the receiver would ask the git host for paths, where it would.
func wanted(trigger *v1alpha1.Trigger, e *event.Event, decision match.Decision) string {
	if !e.Comparable() || !githost.Asks(trigger) || !slices.Contains(decision.Unknown, match.ChangedPaths) {
		return ""
	}
	return "; the git host is asked for the changed paths, and they decide"
}

// obey returns what becomes of a command, or nil for a label that lets the event's head
// in.
func obey(trigger *v1alpha1.Trigger, wish pull.Wish) *Answer {
	switch {
	case wish.NotMeant != "":
		return &Answer{Outcome: v1alpha1.DecisionNotMatched, Reason: wish.NotMeant}
	case wish.Refused != "":
		return &Answer{Outcome: v1alpha1.DecisionRefused, Reason: wish.Refused}
	case wish.Label && !githost.Asks(trigger):
		return nil
	case !githost.Asks(trigger):
		return &Answer{Outcome: v1alpha1.DecisionRefused, Reason: pull.Unasked(trigger.Spec.Webhook.Provider, wish)}
	}
	reason := fmt.Sprintf("%s is for the git host to allow: it is asked whether %s has write access", wish.What(), wish.By)
	if !wish.Label && wish.Verb != pull.Cancel {
		reason += ", and what the head is"
	}
	return &Answer{Outcome: v1alpha1.DecisionHeld, Reason: reason}
}

// admit returns what keeps a comment or a fork's head from starting a Run, or nil.
func admit(trigger *v1alpha1.Trigger, e *event.Event, paths string) *Answer {
	if e.Kind == v1alpha1.EventComment {
		if !githost.Asks(trigger) {
			return &Answer{Outcome: v1alpha1.DecisionRefused, Reason: pull.Unheard}
		}
		return &Answer{
			Outcome: v1alpha1.DecisionHeld,
			Reason:  fmt.Sprintf("a comment is for the git host to allow: it is asked whether %s has write access, and what the head is", e.Comment.Author),
		}
	}
	admission, why := pull.Admit(trigger.Spec.Webhook, e)
	switch admission {
	case pull.Free:
		return nil
	case pull.Held:
		missing := pull.Missing(trigger.Spec.Webhook.Provider, e.SHA, githost.Asks(trigger))
		return &Answer{Outcome: v1alpha1.DecisionHeld, Reason: why + ": it " + missing + paths}
	case pull.Shut:
	}
	return &Answer{Outcome: v1alpha1.DecisionNotMatched, Reason: why}
}

func invalid(format string, args ...any) Answer {
	return Answer{Outcome: v1alpha1.DecisionInvalid, Reason: fmt.Sprintf(format, args...)}
}

// unaddressed says why the request doesn't reach the Trigger.
func unaddressed(of *v1alpha1.Webhook, header http.Header) string {
	if of == nil {
		return "no request reaches the Trigger: it has no webhook"
	}
	hosts := webhook.HostsOf(header)
	switch {
	case of.Provider == v1alpha1.ProviderGeneric && len(hosts) > 0:
		return fmt.Sprintf("the headers are those of %s, and a generic webhook takes requests with a bearer token", hosts[0])
	case of.Provider != v1alpha1.ProviderGeneric && !slices.Contains(hosts, of.Provider):
		return fmt.Sprintf("no header names an event of %s", of.Provider)
	}
	return ""
}
