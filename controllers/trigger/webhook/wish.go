package webhook

import (
	"context"
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// grant does what a label or a comment wants, if it may be wanted, and notes what its
// author is told of that.
func (s *Server) grant(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish) (result, error) {
	r, err := s.obey(ctx, trigger, d, wish)
	if err == nil && !wish.Label && d.asks.may(trigger) {
		d.asks.hear(trigger, d, wish, r)
	}
	return r, err
}

func (s *Server) obey(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish) (result, error) {
	switch {
	case wish.NotMeant != "":
		return result{Outcome: notMatched, Reason: wish.NotMeant}, nil
	case wish.Refused != "":
		return result{Outcome: refused, Reason: wish.Refused}, nil
	case wish.Label && !d.asks.may(trigger):
		return s.runHead(ctx, trigger, d, wish, d.event)
	case !d.asks.may(trigger):
		return result{Outcome: refused, Reason: pull.Unasked(d.provider, wish)}, nil
	}
	if no := permit(ctx, trigger, d, wish.What(), wish.By); no != nil {
		return *no, nil
	}
	switch {
	case wish.Label:
		return s.runHead(ctx, trigger, d, wish, d.event)
	case wish.Verb == pull.Cancel:
		return s.stop(ctx, trigger, d, wish)
	}
	head, err := pullRequest(ctx, trigger, d)
	switch {
	case err != nil:
		return unanswered(wish.What(), wish.By, err), nil
	case wish.Verb == pull.Retest:
		return s.retest(ctx, trigger, d, wish, head)
	}
	return s.runHead(ctx, trigger, d, wish, head)
}

// runHead starts the Run of a head that somebody wants to run, if the Trigger's filters
// take it.
func (s *Server) runHead(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish, head *event.Event) (result, error) {
	webhook := trigger.Spec.Webhook
	reason := fmt.Sprintf("%s by %s", wish.What(), wish.By)
	in, err := s.letIn(ctx, trigger, head)
	if err != nil {
		return undecided(err)
	}
	if why := pull.Refuse(webhook, wish, head, in != nil); why != "" {
		return result{Outcome: refused, Reason: why}, nil
	}
	of := d
	of.event = pull.Proposed(webhook, head)
	of.event.Sender = d.event.Sender
	of, decision, err := s.consider(ctx, trigger, of)
	if err != nil || decision.Outcome != match.Matched {
		return unmatched(decision, err)
	}
	if wish.Verb != pull.LetIn {
		return s.begin(ctx, trigger, of, reason+", "+decision.Reason)
	}
	// Whoever says it, and however often: it is one Run.
	of.id, of.digest = letInBy(head), ""
	r, err := s.begin(ctx, trigger, of, reason+", "+decision.Reason)
	if err != nil || r.Run == "" {
		return r, err
	}
	return r, s.release(ctx, trigger, head, head.SHA)
}

// retest retries the last Run of the head, if it has failed.
func (s *Server) retest(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish, head *event.Event) (result, error) {
	runs, err := s.runsOf(ctx, trigger, head)
	if err != nil {
		return result{}, err
	}
	if run := retriedBy(runs, d.id); run != "" {
		return result{Outcome: exists, Run: run, Reason: "this delivery has started the Run before"}, nil
	}
	source, why := pull.Retried(runs, head)
	if source == nil {
		return result{Outcome: refused, Reason: why}, nil
	}
	return s.retry(ctx, trigger, d, source, fmt.Sprintf("/%s by %s", wish.Verb, wish.By))
}

// retriedBy is the name of the Run by which the delivery has retried another of them.
func retriedBy(runs []v1alpha1.Run, delivery string) string {
	for i := range runs {
		name := start.RetryName(&runs[i], delivery)
		if slices.ContainsFunc(runs, func(run v1alpha1.Run) bool { return run.Name == name }) {
			return name
		}
	}
	return ""
}

// stop cancels the pull request's Runs.
func (s *Server) stop(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish) (result, error) {
	runs, err := s.runsOf(ctx, trigger, d.event)
	if err != nil {
		return result{}, err
	}
	done, err := s.cancel(ctx, pull.Active(runs), d.event)
	by := fmt.Sprintf("/%s by %s: ", wish.Verb, wish.By)
	if done == "" {
		return result{Outcome: notMatched, Reason: by + "no Run of the pull request is under way"}, err
	}
	return result{Outcome: cancelled, Reason: by + done}, err
}
