package source

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Record stores a change of a Trigger's status, if it is one. Each part of the status
// has one writer. A conflict is the caller's to look again.
func Record(ctx context.Context, c client.Client, trigger *v1alpha1.Trigger, change func(*v1alpha1.TriggerStatus)) error {
	before := trigger.DeepCopy()
	change(&trigger.Status)
	if equality.Semantic.DeepEqual(before.Status, trigger.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Status().Patch(ctx, trigger, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("record status: %w", err)
	}
	return nil
}

// OfPipeline finds the Triggers of a kind that start a Pipeline: it may have come,
// gone, or changed its parameters.
func OfPipeline(c client.Reader, kind func(*v1alpha1.TriggerSpec) bool) handler.MapFunc {
	return func(ctx context.Context, pipeline client.Object) []reconcile.Request {
		var list v1alpha1.TriggerList
		if err := c.List(ctx, &list, client.InNamespace(pipeline.GetNamespace())); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "List the Triggers of a Pipeline", "pipeline", pipeline.GetName())
			return nil
		}
		var requests []reconcile.Request
		for i := range list.Items {
			if spec := &list.Items[i].Spec; spec.Pipeline == pipeline.GetName() && kind(spec) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
			}
		}
		return requests
	}
}
