package webhook

import (
	"context"
	"fmt"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// comment starts the Run of a comment that the Trigger's filters take, if its author has
// write access: anybody with an account can comment. What the payload lacks of the pull
// request is what the git host says of it, so the filters are asked once more.
func (s *Server) comment(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (result, error) {
	by := d.event.Comment.Author
	switch {
	case d.event.Sender != by:
		return result{Outcome: refused, Reason: fmt.Sprintf("the comment is by %s and was changed by %s: a comment starts Runs as its author wrote it", by, d.event.Sender)}, nil
	case !s.asks(trigger):
		return result{Outcome: refused, Reason: pull.Unheard}, nil
	}
	may, head, err := s.lookUp(ctx, trigger, d, by)
	switch {
	case err != nil:
		return result{Outcome: failed, Reason: fmt.Sprintf("a comment by %s: %v", by, err), transient: true}, nil
	case !may:
		return result{
			Outcome: refused,
			Reason:  fmt.Sprintf("a comment starts Runs only for people with write access to %s, and %s has none", d.event.Repository, printable.Text(by)),
		}, nil
	}
	d.event = pull.Completed(d.event, head)
	decision, err := s.match(ctx, trigger, d)
	if err != nil {
		return undecided(err)
	}
	if decision.Outcome != match.Matched {
		return result{Outcome: outcome(decision.Outcome), Reason: decision.Reason}, nil
	}
	return s.admit(ctx, trigger, d, decision.Reason)
}
