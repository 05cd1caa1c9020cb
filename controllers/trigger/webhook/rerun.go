package webhook

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report/state"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// aRerun is what somebody wants who presses the git host's button.
const aRerun = "a re-run"

// rerun retries the Run that the event names, or the last of its commit, for somebody
// who may write now. Which Run that is the Runs themselves say: a name that isn't exactly
// that of one of this Trigger's at this commit is none.
func (s *Server) rerun(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (result, error) {
	if !d.asks.may(trigger) {
		return result{Outcome: notMatched, Reason: "the Trigger reports no Run to this git host"}, nil
	}
	runs, err := s.listRuns(ctx, trigger, func(run *v1alpha1.Run) bool { return pull.At(run, trigger, d.event) })
	if err != nil {
		return result{}, err
	}
	last := pull.Last(runs)
	wanted := last
	if d.event.Kind == event.KindRerun {
		wanted = reportedAs(runs, d.event.Check)
	}
	if wanted == nil {
		return result{Outcome: notMatched, Reason: "what is to run again is no Run of this Trigger"}, nil
	}
	if no := permit(ctx, trigger, d, aRerun, d.event.Sender); no != nil {
		return *no, nil
	}
	if run := retriedBy(runs, d.id); run != "" {
		return result{Outcome: exists, Run: run, Reason: "this delivery has started the Run before"}, nil
	}
	if why := pull.NotAgain(wanted, last); why != "" {
		return result{Outcome: refused, Reason: why}, nil
	}
	return s.retry(ctx, trigger, d, wanted, fmt.Sprintf("%s by %s", aRerun, printable.Text(d.event.Sender)))
}

// reportedAs is the Run that a check names, or nil.
func reportedAs(runs []v1alpha1.Run, check string) *v1alpha1.Run {
	for i := range runs {
		if state.ID(&runs[i]) == check {
			return &runs[i]
		}
	}
	return nil
}

// retry starts the Run by which the delivery retries another: one, however often it is
// sent.
func (s *Server) retry(ctx context.Context, trigger *v1alpha1.Trigger, d delivery, source *v1alpha1.Run, reason string) (result, error) {
	if source.Spec.Origin.Fork && trigger.Spec.Webhook.ForkPolicy() == v1alpha1.ForksIgnore {
		return result{Outcome: refused, Reason: pull.Ignored}, nil
	}
	pipeline, err := s.pipeline(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: source.Spec.Pipeline})
	if err != nil {
		return undecided(err)
	}
	run, _, err := s.opts.Starter.Retry(ctx, pipeline, source, d.id)
	if err != nil {
		return undecided(err)
	}
	return result{Outcome: created, Run: run.Name, Reason: fmt.Sprintf("%s: it retries Run %s", reason, source.Name)}, nil
}
