package keeper

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline"
)

// byRun is the cache's index of pods and Jobs by the Run that they belong to.
const byRun = "metadata.labels." + v1alpha1.RunLabel

// SetupWithManager adds both controllers to the manager.
func SetupWithManager(ctx context.Context, mgr ctrl.Manager, l *Logs, r *Runs, options controller.Options) error {
	for _, object := range []client.Object{&corev1.Pod{}, &batchv1.Job{}} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, object, byRun, pipeline.RunOf); err != nil {
			return fmt.Errorf("index what belongs to Runs: %w", err)
		}
	}
	err := ctrl.NewControllerManagedBy(mgr).Named("logs").For(&corev1.Pod{}).WithOptions(options).Complete(l)
	if err != nil {
		return fmt.Errorf("set up the controller of logs: %w", err)
	}
	err = ctrl.NewControllerManagedBy(mgr).Named("records").For(&v1alpha1.Run{}).WithOptions(options).
		Watches(&v1alpha1.Run{}, r.Deletions()).
		Watches(&batchv1.Job{}, Settlements()).
		WatchesRawSource(source.Channel(l.Ended, &handler.TypedEnqueueRequestForObject[*v1alpha1.Run]{})).Complete(r)
	if err != nil {
		return fmt.Errorf("set up the controller of records: %w", err)
	}
	return nil
}
