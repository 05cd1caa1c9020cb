package act

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// Cancel stops a Run. It returns what the Run is then, and false if it had been told
// to stop before.
func Cancel(ctx context.Context, c client.Client, run *v1alpha1.Run) (*v1alpha1.Run, bool, error) {
	switch {
	case run.Status.Phase.Finished():
		return nil, false, fmt.Errorf("cancel Run %s: it has ended, as %s", view.Address(run), run.Status.Phase)
	case run.Spec.Cancelled:
		return run, false, nil
	}
	after, err := patch(ctx, c, run, map[string]any{"spec": map[string]any{"cancelled": true}})
	if err != nil {
		return nil, false, fmt.Errorf("cancel Run %s: %w", view.Address(run), err)
	}
	return after, true, nil
}

// Retry starts another Run that takes from this one what has succeeded, and returns
// it.
func Retry(ctx context.Context, c client.Client, run *v1alpha1.Run) (*v1alpha1.Run, error) {
	switch {
	case run.Status.Phase == v1alpha1.RunSucceeded:
		return nil, fmt.Errorf("retry Run %s: it has succeeded, so there is nothing to retry: `kayci start %s --like %s` runs all of it again", view.Address(run), run.Spec.Pipeline, view.Address(run))
	case !run.Status.Phase.Finished():
		return nil, fmt.Errorf("retry Run %s: it hasn't ended: wait for it, or cancel it", view.Address(run))
	}
	again := newRun(run.Namespace, run.Spec.Pipeline)
	again.Spec.RetryOf = run.Name
	if err := create(ctx, c, again, false); err != nil {
		return nil, fmt.Errorf("retry Run %s: %w", view.Address(run), err)
	}
	return again, nil
}
