package webhook

import (
	"context"
	"fmt"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// comment starts the Run of a comment that the Trigger's filters take, if its author has
// write access: anybody with an account can comment. What the payload lacks of the pull
// request is what the git host says of it, so the filters are asked once more.
func (s *Server) comment(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (result, error) {
	decision, err := s.match(ctx, trigger, d)
	if err != nil || decision.Outcome != match.Matched {
		return unmatched(decision, err)
	}
	const what = "a comment that starts a Run"
	by := d.event.Comment.Author
	switch {
	case pull.IsReply(d.event):
		return result{Outcome: notMatched, Reason: "KayCI has written the comment"}, nil
	case d.event.Sender != by:
		return result{Outcome: refused, Reason: fmt.Sprintf("the comment is by %s and was changed by %s: a comment starts Runs as its author wrote it", by, d.event.Sender)}, nil
	case !d.asks.may(trigger):
		return result{Outcome: refused, Reason: pull.Unheard}, nil
	}
	if no := permit(ctx, trigger, d, what, by); no != nil {
		return *no, nil
	}
	head, err := pullRequest(ctx, trigger, d)
	if err != nil {
		return unanswered(what, by, err), nil
	}
	d.event = pull.Completed(d.event, head)
	d, decision, err = s.consider(ctx, trigger, d)
	if err != nil || decision.Outcome != match.Matched {
		return unmatched(decision, err)
	}
	return s.admit(ctx, trigger, d, decision.Reason)
}

// unmatched is the result of what the Trigger's filters don't take, or fail at.
func unmatched(decision match.Decision, err error) (result, error) {
	if err != nil {
		return undecided(err)
	}
	return result{Outcome: outcome(decision.Outcome), Reason: decision.Reason}, nil
}
