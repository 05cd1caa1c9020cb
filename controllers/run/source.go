package run

import (
	"context"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// source returns the Run that this one retries. It is nil for a Run that
// retries none, and once the first status has recorded what is reused.
func (r *Reconciler) source(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.Run, error) {
	name := run.Spec.RetryOf
	if name == "" || len(run.Status.Jobs) > 0 || run.Status.Phase.Finished() {
		return nil, nil //nolint:nilnil // No source is a usual answer and no error.
	}
	key := client.ObjectKey{Namespace: run.Namespace, Name: name}
	found := &v1alpha1.Run{}
	err := r.Client.Get(ctx, key, found)
	if apierrors.IsNotFound(err) || (err == nil && !found.Status.Phase.Finished()) {
		// The cache may be behind. What it says here would end this Run for good.
		found = &v1alpha1.Run{}
		err = r.APIReader.Get(ctx, key, found)
	}
	if apierrors.IsNotFound(err) {
		return nil, invalidRetry("run %s doesn't exist", name)
	}
	if err != nil {
		return nil, fmt.Errorf("get run %s: %w", name, err)
	}
	return found, checkRetry(run, found)
}

// checkRetry refuses what can't be a retry of the source.
func checkRetry(run, source *v1alpha1.Run) error {
	name := source.Name
	switch phase := source.Status.Phase; {
	case source.Spec.Pipeline != run.Spec.Pipeline:
		return invalidRetry("run %s is of pipeline %s, not of %s", name, source.Spec.Pipeline, run.Spec.Pipeline)
	case !source.DeletionTimestamp.IsZero():
		return invalidRetry("run %s is being deleted", name)
	case !phase.Finished():
		return invalidRetry("run %s has not ended yet", name)
	case phase == v1alpha1.RunSucceeded:
		return invalidRetry("run %s has succeeded: there is nothing to retry", name)
	case run.Spec.Revision != "" && source.Spec.Revision != "" && run.Spec.Revision != source.Spec.Revision:
		return invalidRetry("run %s has another revision: leave out spec.revision", name)
	case run.Spec.Params != nil && !maps.Equal(run.Spec.Params, source.Spec.Params):
		return invalidRetry("run %s has other params: leave out spec.params", name)
	}
	return nil
}

func invalidRetry(format string, args ...any) error {
	return fault.New(v1alpha1.ReasonInvalidRetry, "retryOf: "+fmt.Sprintf(format, args...))
}
