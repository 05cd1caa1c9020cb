package source

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/decisions"
)

// Launcher starts the Runs that sources ask for.
type Launcher struct {
	// Client reads Pipelines from the cache.
	Client client.Reader
	// Starter creates the Runs.
	Starter *start.Starter
	// Decisions notes each Run that is started. nil: nothing is noted.
	Decisions *decisions.Recorder
}

// Request is what a source asks for.
type Request struct {
	// Trigger that starts the Run.
	Trigger *v1alpha1.Trigger
	// Vars are what its expressions see.
	Vars expr.Variables
	// Origin of the Run. Its delivery is what names the Run: the same one is one Run.
	// Its trigger is set.
	Origin v1alpha1.Origin
	// Reason why there is a Run, for people.
	Reason string
}

// Launch starts the Run, and returns it; one that the same trigger and delivery have
// started before it returns as it is. A fault says what somebody has to put right;
// its reason is PipelineNotFound if there is no Pipeline.
func (l *Launcher) Launch(ctx context.Context, req Request) (*v1alpha1.Run, error) {
	trigger := req.Trigger
	pipeline := &v1alpha1.Pipeline{}
	err := l.Client.Get(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: trigger.Spec.Pipeline}, pipeline)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fault.New(v1alpha1.ReasonPipelineNotFound, fmt.Sprintf("Pipeline %s does not exist in this namespace: create it, or correct spec.pipeline", trigger.Spec.Pipeline))
	case err != nil:
		return nil, fmt.Errorf("get pipeline %s: %w", trigger.Spec.Pipeline, err)
	}
	params, err := Params(&trigger.Spec, req.Vars, pipeline.Spec.Params)
	if err != nil {
		return nil, err
	}
	req.Origin.Trigger = trigger.Name
	run, created, err := l.Starter.Start(ctx, start.Request{
		Pipeline:    pipeline,
		Name:        start.RunName(trigger.Name, req.Origin.Delivery),
		Params:      params,
		Origin:      &req.Origin,
		TriggerName: trigger.Name,
		Reason:      printable.Text(req.Reason),
	})
	if errors.Is(err, start.ErrPipelineDeleted) {
		return nil, fault.New(v1alpha1.ReasonPipelineNotFound, fmt.Sprintf("Pipeline %s is being deleted", pipeline.Name))
	}
	if created {
		l.Decisions.Add(client.ObjectKeyFromObject(trigger), v1alpha1.Decision{
			Outcome: v1alpha1.DecisionCreated, Reason: req.Reason, Delivery: req.Origin.Delivery, Run: run.Name,
		})
	}
	return run, err
}
