package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/match"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// lookupTimeout bounds what is asked of a git host for one delivery and Trigger. Hosts
// themselves wait for 10 s.
const lookupTimeout = 5 * time.Second

// Hosts opens git hosts.
type Hosts interface {
	// Asks reports whether the Trigger has credentials for its git host's API.
	Asks(trigger *v1alpha1.Trigger) bool
	// Open returns the host of a Trigger that has some.
	Open(ctx context.Context, trigger *v1alpha1.Trigger) (githost.Host, error)
}

func (s *Server) asks(trigger *v1alpha1.Trigger) bool {
	return s.opts.Hosts != nil && s.opts.Hosts.Asks(trigger)
}

// grant does what a label or a comment wants, if it may be wanted.
func (s *Server) grant(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish) (result, error) {
	switch {
	case wish.NotMeant != "":
		return result{Outcome: notMatched, Reason: wish.NotMeant}, nil
	case wish.Refused != "":
		return result{Outcome: refused, Reason: wish.Refused}, nil
	case wish.By == "":
		return s.runHead(ctx, trigger, d, wish, d.event)
	case !s.asks(trigger):
		return result{Outcome: refused, Reason: pull.Unasked(d.provider, wish)}, nil
	}
	may, head, err := s.lookUp(ctx, trigger, d, wish.By)
	switch {
	case err != nil:
		return result{Outcome: failed, Reason: fmt.Sprintf("/%s by %s: %v", wish.Verb, wish.By, err), transient: true}, nil
	case !may:
		return result{Outcome: refused, Reason: fmt.Sprintf("/%s is only for people with write access to %s, and %s has none", wish.Verb, d.event.Repository, printable.Text(wish.By))}, nil
	case wish.Verb == pull.Cancel:
		return s.stop(ctx, trigger, d, wish)
	case wish.Verb == pull.Retest:
		return s.retest(ctx, trigger, d, wish, head)
	}
	return s.runHead(ctx, trigger, d, wish, head)
}

// lookUp asks the git host whether the user may write now, and if so what the
// pull request's head is now.
func (s *Server) lookUp(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, user string) (bool, *event.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	host, err := s.opts.Hosts.Open(ctx, trigger)
	if err != nil {
		return false, nil, err
	}
	may, err := host.MayWrite(ctx, d.event.Repository, user)
	if err != nil || !may {
		return false, nil, err
	}
	head, err := host.PullRequest(ctx, d.event.Repository, d.event.PullRequest.Number)
	if err == nil && (head.Repository != d.event.Repository || head.PullRequest.Number != d.event.PullRequest.Number) {
		err = errors.New("the git host answers with another pull request")
	}
	return true, head, err
}

// runHead starts the Run of a head that somebody wants to run, if the Trigger's filters
// take it.
func (s *Server) runHead(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, wish pull.Wish, head *event.Event) (result, error) {
	webhook := trigger.Spec.Webhook
	reason := fmt.Sprintf("/%s by %s", wish.Verb, wish.By)
	if wish.By == "" {
		reason = fmt.Sprintf("the label %s by %s", v1alpha1.OkToTest, d.event.Sender)
	}
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
	decision, err := s.match(ctx, trigger, of)
	if err != nil {
		return undecided(err)
	}
	if decision.Outcome != match.Matched {
		return result{Outcome: outcome(decision.Outcome), Reason: decision.Reason}, nil
	}
	if wish.Verb != pull.LetIn {
		return s.begin(ctx, trigger, of, reason+", "+decision.Reason)
	}
	// Whoever says it, and however often: it is one Run.
	of.id, of.digest = pull.Key(head.PullRequest.Number, head.SHA), ""
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
	pipeline, err := s.pipeline(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: source.Spec.Pipeline})
	if err != nil {
		return undecided(err)
	}
	run, _, err := s.opts.Starter.Retry(ctx, pipeline, source, d.id)
	if err != nil {
		return undecided(err)
	}
	return result{Outcome: created, Run: run.Name, Reason: fmt.Sprintf("/%s by %s: it retries Run %s", wish.Verb, wish.By, source.Name)}, nil
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
