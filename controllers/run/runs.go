package run

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// IndexRuns adds the index that active Runs are found by: those that have ended
// are many, and cost nothing.
func IndexRuns(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &v1alpha1.Run{}, v1alpha1.CompletionTimeField, ActiveRun)
}

// ActiveRun is the index's function.
func ActiveRun(obj client.Object) []string {
	if run, ok := obj.(*v1alpha1.Run); ok && run.Status.CompletionTime == nil {
		return []string{""}
	}
	return nil
}

// activeRuns selects the Runs of a namespace that have not ended.
func activeRuns(namespace string, opts ...client.ListOption) []client.ListOption {
	return append([]client.ListOption{client.InNamespace(namespace), client.MatchingFields{v1alpha1.CompletionTimeField: ""}}, opts...)
}

// concerned reports whether the Run may be in another's way: it has not ended,
// and it has a key or may yet get one.
func concerned(run *v1alpha1.Run) bool {
	return !run.Status.Phase.Finished() && (run.Status.Concurrency != nil || run.Status.Number == 0)
}

// standing is what others see of a Run's place.
func standing(run *v1alpha1.Run) [5]bool {
	c := run.Status.Concurrency
	return [5]bool{c != nil, c != nil && c.Admitted, queue.Idle(run), run.Status.Phase.Finished(), run.DeletionTimestamp != nil}
}
