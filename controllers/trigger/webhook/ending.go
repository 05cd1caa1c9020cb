package webhook

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// listPage is how many Runs are read at once.
const listPage = 200

// end cancels the Runs of a pull request that is closed, or of the head that it no
// longer has, and returns what it has done as a sentence.
func (s *Server) end(ctx context.Context, trigger *v1alpha1.Trigger, d delivery) (string, error) {
	webhook := trigger.Spec.Webhook
	policy, err := s.policy(ctx, trigger, d.event)
	if err != nil || !pull.Ends(webhook, policy, d.event) {
		return "", err
	}
	if pull.Closes(webhook, d.event) {
		if err := s.release(ctx, trigger, d.event, ""); err != nil {
			return "", err
		}
	}
	runs, err := s.runsOf(ctx, trigger, d.event)
	if err != nil {
		return "", err
	}
	return s.cancel(ctx, pull.Ended(webhook, runs, d.event, d.id), d.event)
}

// policy of the Pipeline, where the event may have made Runs outdated.
func (s *Server) policy(ctx context.Context, trigger *v1alpha1.Trigger, e *event.Event) (v1alpha1.ConcurrencyPolicy, error) {
	if e.Action != v1alpha1.ActionUpdated {
		return "", nil
	}
	pipeline := &v1alpha1.Pipeline{}
	err := s.opts.Client.Get(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: trigger.Spec.Pipeline}, pipeline)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("read Pipeline %s: %w", trigger.Spec.Pipeline, err)
	}
	if pipeline.Spec.Concurrency == nil {
		return "", nil
	}
	return pipeline.Spec.Concurrency.Policy, nil
}

// runsOf are the Runs that the Trigger has started for the event's pull request.
func (s *Server) runsOf(ctx context.Context, trigger *v1alpha1.Trigger, e *event.Event) ([]v1alpha1.Run, error) {
	return s.listRuns(ctx, trigger, func(run *v1alpha1.Run) bool { return pull.Of(run, e) })
}

// listRuns are those that the Trigger has started and that fit. They are read from the
// API server: a replica that doesn't lead has none in its cache, and one that was started
// just now must not be overlooked.
func (s *Server) listRuns(ctx context.Context, trigger *v1alpha1.Trigger, fits func(*v1alpha1.Run) bool) ([]v1alpha1.Run, error) {
	var found []v1alpha1.Run
	var list v1alpha1.RunList
	for {
		err := s.opts.APIReader.List(ctx, &list, client.InNamespace(trigger.Namespace),
			client.MatchingLabels{v1alpha1.TriggerLabel: trigger.Name}, client.Limit(listPage), client.Continue(list.Continue))
		if err != nil {
			return nil, fmt.Errorf("list the Runs of Trigger %s: %w", trigger.Name, err)
		}
		for i := range list.Items {
			if fits(&list.Items[i]) {
				found = append(found, list.Items[i])
			}
		}
		if list.Continue == "" {
			return found, nil
		}
	}
}

// cancel stops the Runs, and says so.
func (s *Server) cancel(ctx context.Context, runs []v1alpha1.Run, e *event.Event) (string, error) {
	for i := range runs {
		before := runs[i].DeepCopy()
		runs[i].Spec.Cancelled = true
		err := s.opts.Client.Patch(ctx, &runs[i], client.MergeFrom(before), client.FieldOwner(v1alpha1.FieldManager))
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("cancel Run %s: %w", runs[i].Name, err)
		}
	}
	switch len(runs) {
	case 0:
		return "", nil
	case 1:
		return fmt.Sprintf("Run %s of pull request %d is cancelled", runs[0].Name, e.PullRequest.Number), nil
	}
	return fmt.Sprintf("%d Runs of pull request %d are cancelled", len(runs), e.PullRequest.Number), nil
}
