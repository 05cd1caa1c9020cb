package run

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/job"
)

// observeWorkspace asks the API server what keeps the workspace's claim from
// getting a volume, if the scheduler finds no node for a pod that mounts it. A
// reason that can't be had is worth less than the Run, which goes on without it.
func (r *Reconciler) observeWorkspace(ctx context.Context, o *observation) {
	if o.Spec.Workspace == nil || !o.awaitsWorkspace() {
		return
	}
	unbound, err := r.whyUnbound(ctx, client.ObjectKey{Namespace: o.Run.Namespace, Name: job.WorkspaceName(o.Run.Name)})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Find out why the workspace has no volume")
	}
	o.Unbound = unbound
}

func (o *observation) awaitsWorkspace() bool {
	for _, pods := range o.Pods {
		for i := range pods {
			if evidence.AwaitsWorkspace(&pods[i]) {
				return true
			}
		}
	}
	return false
}

// whyUnbound returns why the claim has no volume, or nil if it has one.
func (r *Reconciler) whyUnbound(ctx context.Context, key client.ObjectKey) (*evidence.Why, error) {
	var claim corev1.PersistentVolumeClaim
	err := r.APIReader.Get(ctx, key, &claim)
	switch {
	case apierrors.IsNotFound(err):
		return &evidence.Why{Reason: "NotFound", Message: fmt.Sprintf("PersistentVolumeClaim %s was deleted", key.Name)}, nil
	case err != nil:
		return nil, fmt.Errorf("get PersistentVolumeClaim %s: %w", key.Name, err)
	case claim.Status.Phase == corev1.ClaimBound:
		return nil, nil //nolint:nilnil // A claim with a volume is the usual answer.
	case claim.Status.Phase == corev1.ClaimLost:
		return &evidence.Why{Reason: "ClaimLost", Message: fmt.Sprintf("the volume of PersistentVolumeClaim %s is gone", key.Name)}, nil
	}
	var events corev1.EventList
	err = r.APIReader.List(ctx, &events, client.InNamespace(key.Namespace), client.MatchingFields{eventsOfObject: string(claim.UID)}, client.Limit(maxEvents))
	if err != nil {
		return nil, fmt.Errorf("list the events of PersistentVolumeClaim %s: %w", key.Name, err)
	}
	return evidence.ClaimFailure(events.Items), nil
}
