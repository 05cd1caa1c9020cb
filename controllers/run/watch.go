package run

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// IndexPods adds the indexes that the Reconciler finds a Run's pods by, and those
// Jobs and pods that hold a place.
func IndexPods(ctx context.Context, indexer client.FieldIndexer) error {
	return errors.Join(
		indexer.IndexField(ctx, &corev1.Pod{}, podsByRun, RunOfPod),
		indexer.IndexField(ctx, &corev1.Pod{}, locked, LockOf),
		indexer.IndexField(ctx, &batchv1.Job{}, locked, LockOf),
	)
}

// RunOfPod is the index's function: the name of the Run that the pod belongs to.
func RunOfPod(pod client.Object) []string {
	if run := pod.GetLabels()[v1alpha1.RunLabel]; run != "" {
		return []string{run}
	}
	return nil
}

// SetupWithManager starts the Reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if err := IndexPods(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index pods: %w", err)
	}
	if err := IndexRuns(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index runs: %w", err)
	}
	queue := r.enqueue()
	return ctrl.NewControllerManagedBy(mgr).
		Named("run").
		WithOptions(opts).
		Watches(&v1alpha1.Run{}, queue, builder.WithPredicates(runNews())).
		Watches(&v1alpha1.Run{}, r.wake(), builder.WithPredicates(placeNews())).
		Watches(&v1alpha1.Pipeline{}, r.arrival(), builder.WithPredicates(arrivals())).
		Watches(&v1alpha1.Run{}, r.inLine(), builder.WithPredicates(roomNews())).
		Watches(&batchv1.Job{}, r.inLine(), builder.WithPredicates(roomNews())).
		Watches(&batchv1.Job{}, r.vacated(), builder.WithPredicates(vacancies())).
		Watches(&corev1.Pod{}, r.vacated(), builder.WithPredicates(vacancies())).
		Watches(&batchv1.Job{}, queue, builder.WithPredicates(jobNews())).
		Watches(&corev1.Pod{}, queue, builder.WithPredicates(podNews())).
		Complete(r)
}

// runNews drops the echo of own status writes. The generation doesn't count
// annotations.
func runNews() predicate.Predicate {
	return predicate.And(predicate.Or(predicate.GenerationChangedPredicate{}, retryAsked()), predicate.Funcs{
		DeleteFunc: func(event.DeleteEvent) bool { return false },
	})
}

// jobNews drops the Job controller's bookkeeping, and the echo of own creations,
// which has no conditions yet: with them it is a Job that this watch has missed
// till now.
func jobNews() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool {
			job, is := e.Object.(*batchv1.Job)
			return is && len(job.Status.Conditions) > 0
		},
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, was := e.ObjectOld.(*batchv1.Job)
			after, is := e.ObjectNew.(*batchv1.Job)
			return !was || !is ||
				!equality.Semantic.DeepEqual(before.Status.Conditions, after.Status.Conditions) ||
				evidence.Suspended(before) != evidence.Suspended(after) ||
				before.Status.Active != after.Status.Active ||
				before.Status.StartTime.IsZero() != after.Status.StartTime.IsZero()
		},
	}
}

// podNews drops changes of a pod that say nothing about its life.
func podNews() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, was := e.ObjectOld.(*corev1.Pod)
			after, is := e.ObjectNew.(*corev1.Pod)
			return !was || !is ||
				!equality.Semantic.DeepEqual(before.Status, after.Status) ||
				before.Spec.NodeName != after.Spec.NodeName ||
				before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero()
		},
	}
}
