package run

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// workspaceOrDefer creates the claim of the Run's workspace before its first
// Job, and reports whether the jobs can be created. A claim that is deleted
// later isn't made again: what the earlier jobs left in it would be missing.
func (r *Reconciler) workspaceOrDefer(ctx context.Context, o *observation, jobs []string) (bool, error) {
	if o.Spec.Workspace == nil || o.started() || o.recordedStart() {
		return true, nil
	}
	claim := job.Workspace(o.Run, o.Spec.Workspace)
	err := r.Client.Create(ctx, claim, client.FieldOwner(v1alpha1.FieldManager))
	if apierrors.IsAlreadyExists(err) {
		return r.adoptWorkspace(ctx, o, claim.Name, jobs)
	}
	refusal, class := classify(err)
	switch class {
	case accepted:
		return true, nil
	case refused:
		return false, &fault{refusal.Reason, "the workspace's claim: " + refusal.Message}
	case deferred:
		refusal.Message = "the workspace's claim: " + refusal.Message
		o.deferAll(jobs, refusal)
		return false, nil
	default:
		return false, fmt.Errorf("create PersistentVolumeClaim %s: %w", claim.Name, err)
	}
}

// adoptWorkspace takes a claim of this name for the Run's only if it belongs to
// this very Run.
func (r *Reconciler) adoptWorkspace(ctx context.Context, o *observation, name string, jobs []string) (bool, error) {
	var found corev1.PersistentVolumeClaim
	if err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: o.Run.Namespace, Name: name}, &found); err != nil {
		return false, fmt.Errorf("get PersistentVolumeClaim %s: %w", name, err)
	}
	switch {
	case o.predecessors(&found):
		o.deferAll(jobs, plan.Refusal{
			Reason:  plan.ReasonNameConflict,
			Message: fmt.Sprintf("PersistentVolumeClaim %s of an earlier Run of this name is still being deleted", name),
		})
		return false, nil
	case metav1.IsControlledBy(&found, o.Run):
		return true, nil
	default:
		return false, &fault{
			plan.ReasonNameConflict, fmt.Sprintf("a PersistentVolumeClaim named %s exists and isn't this Run's; name the Run otherwise", name),
		}
	}
}

// recordedStart reports whether the Run's status knows of a Job, which may be
// gone by now.
func (o *observation) recordedStart() bool {
	return o.Run.Status.StartTime != nil
}

// predecessors reports whether the object is about to go: it is being deleted,
// or belongs to a Run of the same name that was.
func (o *observation) predecessors(found client.Object) bool {
	owner := metav1.GetControllerOf(found)
	return !found.GetDeletionTimestamp().IsZero() ||
		(owner != nil && owner.Kind == v1alpha1.RunKind && owner.Name == o.Run.Name && owner.UID != o.Run.UID)
}
