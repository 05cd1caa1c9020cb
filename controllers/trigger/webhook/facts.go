package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// consider asks the Trigger's filters about the event, and once more where it depends on
// paths that the event doesn't tell, but the git host may. The delivery that it returns
// has them.
func (s *Server) consider(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (delivery, match.Decision, error) {
	decision, err := s.match(ctx, trigger, d)
	if err != nil || !slices.Contains(decision.Unknown, match.ChangedPaths) || !d.event.Comparable() || !d.asks.may(trigger) {
		return d, decision, err
	}
	if admission, _ := pull.Admit(trigger.Spec.Webhook, d.event); admission == pull.Shut {
		return d, decision, nil
	}
	if d.event, err = asked(ctx, trigger, d); err != nil {
		return d, decision, err
	}
	decision, err = s.match(ctx, trigger, d)
	return d, decision, err
}

// asked is the delivery's event with the paths that the git host names, or with the
// reason why it names none.
func asked(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (*event.Event, error) {
	of := githost.Change{PullRequest: d.event.PullRequest.Number}
	if of.PullRequest == 0 {
		of.Before, of.After = d.event.Before, d.event.SHA
	}
	type files struct {
		paths    []string
		complete bool
		// noMemory is why they can't be kept.
		noMemory error
	}
	found, err := ask(ctx, d.asks, trigger, question{topic: topic{what: aboutPaths}, repository: d.event.Repository, of: of},
		func(ctx context.Context, host githost.Host) (found files, err error) {
			found.paths, found.complete, err = host.ChangedPaths(ctx, d.event.Repository, of)
			if err == nil {
				found.noMemory = d.asks.keep(ctx, found.paths)
			}
			return found, err
		})
	switch {
	case found.noMemory != nil:
		return nil, found.noMemory
	case err != nil:
		return d.event.WithoutPaths(err.Error()), nil
	}
	return d.event.WithPaths(found.paths, found.complete), nil
}

// permit asks the git host whether the user may write now, which something is only for.
// The result says why not; nil: the user may.
func permit(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, what, user string) *result {
	may, err := ask(ctx, d.asks, trigger, question{topic: topic{what: aboutWriters}, repository: d.event.Repository, user: user},
		func(ctx context.Context, host githost.Host) (bool, error) {
			return host.MayWrite(ctx, d.event.Repository, user)
		})
	switch {
	case err != nil:
		r := unanswered(what, user, err)
		return &r
	case !may:
		return &result{Outcome: refused, Reason: pull.Denied(what, d.event.Repository, user)}
	}
	return nil
}

// unanswered is for something that the git host would have to allow, and doesn't say.
func unanswered(what, user string, err error) result {
	return result{Outcome: failed, Reason: fmt.Sprintf("%s by %s: %v", what, user, err), transient: true}
}

var errAnother = errors.New("the git host answers with another pull request")

// pullRequest asks the git host what the delivery's pull request is now.
func pullRequest(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (*event.Event, error) {
	of := githost.Change{PullRequest: d.event.PullRequest.Number}
	return ask(ctx, d.asks, trigger, question{topic: topic{what: aboutPulls}, repository: d.event.Repository, of: of},
		func(ctx context.Context, host githost.Host) (*event.Event, error) {
			head, err := host.PullRequest(ctx, d.event.Repository, of.PullRequest)
			if err == nil && (head.Repository != d.event.Repository || head.PullRequest.Number != of.PullRequest) {
				return nil, errAnother
			}
			return head, err
		})
}
