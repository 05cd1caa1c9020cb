package pipeline

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// pinnable finds the revision that Runs are pinned to, or what is in its way.
func (r *Reconciler) pinnable(ctx context.Context, pipeline *v1alpha1.Pipeline, status *v1alpha1.PipelineStatus, ready *metav1.Condition) (err error) {
	status.Revision, err = r.ensureCurrent(ctx, pipeline)
	f, _ := fault.Of(err)
	if f == nil {
		return err
	}
	ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, f.Reason, f.Message
	before := meta.FindStatusCondition(status.Conditions, ready.Type)
	if errors.Is(err, revision.ErrTogether) && (before == nil || before.Message != ready.Message) {
		// The operator of the defaults sees no Pipeline, and no metric tells of one.
		log.FromContext(ctx).Error(err, "no Run of this Pipeline can start: it and the defaults for jobs can't stand together")
	}
	return nil
}

// all Pipelines get another revision with the installation's defaults.
func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	var list v1alpha1.PipelineList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "list the Pipelines that the defaults for jobs are of")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}
