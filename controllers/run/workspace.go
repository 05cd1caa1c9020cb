package run

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// workspaceOrDefer creates the claim of the Run's workspace before its first
// Job, and reports whether the jobs can be created. A claim that is deleted
// later isn't made again: what the earlier jobs left in it would be missing.
func (r *Reconciler) workspaceOrDefer(ctx context.Context, o *observation, jobs []string) (bool, error) {
	if o.Spec.Workspace == nil || o.started() || o.Run.Status.StartTime != nil {
		return true, nil
	}
	claim := job.Workspace(o.Run, o.Spec.Workspace)
	err := r.Client.Create(ctx, claim, client.FieldOwner(v1alpha1.FieldManager))
	refusal, class := classify(err)
	refusal.Message = "the workspace's claim: " + refusal.Message
	if apierrors.IsAlreadyExists(err) {
		refusal, class, err = r.existing(ctx, o, client.ObjectKeyFromObject(claim), "PersistentVolumeClaim", &corev1.PersistentVolumeClaim{})
		if err != nil {
			return false, err
		}
	}
	switch class {
	case accepted:
		return true, nil
	case refused:
		return false, fault.New(refusal.Reason, refusal.Message)
	case deferred:
		o.deferAll(jobs, refusal)
		return false, nil
	default:
		return false, fmt.Errorf("create PersistentVolumeClaim %s: %w", claim.Name, err)
	}
}

// pvcProtection is the finalizer by which Kubernetes keeps a claim as long as
// there is a pod that mounts it, also one that has ended and stays for its log.
const pvcProtection = "kubernetes.io/pvc-protection"

// deleteWorkspace deletes the claim, if it is the Run's and no pod uses it. The
// cache has KayCI's pods alone, and not those of a Job that was deleted.
func (r *Reconciler) deleteWorkspace(ctx context.Context, o *observation) (err error) {
	key := client.ObjectKey{Namespace: o.Run.Namespace, Name: job.WorkspaceName(o.Run.Name)}
	if o.WorkspaceInUse, err = r.mounted(ctx, key); err != nil || o.WorkspaceInUse {
		return err
	}
	var claim corev1.PersistentVolumeClaim
	err = r.APIReader.Get(ctx, key, &claim)
	if err == nil && metav1.IsControlledBy(&claim, o.Run) {
		err = r.release(ctx, &claim)
	}
	if err := client.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("delete PersistentVolumeClaim %s: %w", key.Name, err)
	}
	o.WorkspaceGone = true
	return nil
}

// mounted reports whether a pod that has not ended mounts the claim.
func (r *Reconciler) mounted(ctx context.Context, claim client.ObjectKey) (bool, error) {
	var pods corev1.PodList
	active := fields.AndSelectors(
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
		fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)))
	err := r.APIReader.List(ctx, &pods, client.InNamespace(claim.Namespace), client.MatchingFieldsSelector{Selector: active})
	if err != nil {
		return false, fmt.Errorf("list the pods that have not ended: %w", err)
	}
	return slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool {
		return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim.Name
		})
	}), nil
}

// release deletes the claim though pods that have ended mount it. First the
// deletion: a claim that isn't being deleted gets the finalizer again.
func (r *Reconciler) release(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.DeletionTimestamp.IsZero() {
		if err := r.Client.Delete(ctx, claim, client.Preconditions{UID: &claim.UID}); err != nil {
			return err
		}
	}
	i := slices.Index(claim.Finalizers, pvcProtection)
	if i < 0 {
		return nil
	}
	// Others may have put finalizers of their own there meanwhile.
	patch := fmt.Sprintf(`[{"op": "test", "path": "/metadata/uid", "value": %[1]q}, `+
		`{"op": "test", "path": "/metadata/finalizers/%[2]d", "value": %[3]q}, {"op": "remove", "path": "/metadata/finalizers/%[2]d"}]`,
		claim.UID, i, pvcProtection)
	return r.Client.Patch(ctx, claim, client.RawPatch(types.JSONPatchType, []byte(patch)), client.FieldOwner(v1alpha1.FieldManager))
}

// existing sorts the object that has the name of one that could not be created:
// it is the Run's, made before the controller was killed; it is about to go; or
// it is somebody else's.
func (r *Reconciler) existing(ctx context.Context, o *observation, key client.ObjectKey, kind string, found client.Object) (plan.Refusal, class, error) {
	if err := r.APIReader.Get(ctx, key, found); err != nil {
		return plan.Refusal{}, unclear, fmt.Errorf("get %s %s: %w", kind, key.Name, err)
	}
	switch {
	case o.predecessors(found):
		message := fmt.Sprintf("%s %s of an earlier Run of this name is still being deleted", kind, key.Name)
		return plan.Refusal{Reason: v1alpha1.ReasonNameConflict, Message: message}, deferred, nil
	case metav1.IsControlledBy(found, o.Run):
		return plan.Refusal{}, accepted, nil
	default:
		message := fmt.Sprintf("a %s named %s exists and isn't this Run's; name the Run otherwise", kind, key.Name)
		return plan.Refusal{Reason: v1alpha1.ReasonNameConflict, Message: message}, refused, nil
	}
}
