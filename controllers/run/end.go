package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// sparedFailures is how many of its pods a Job may lose that is being stopped
// and is not to fail: the one that is stopped, and those that replace it while
// nobody is there to end the Job.
const sparedFailures = 6

// end stops the pods that were decided on, and then ends or deletes what would make
// others.
func (r *Reconciler) end(ctx context.Context, o *observation, d *plan.Decision) error {
	var errs []error
	// First the Services: that a Run which has finished has one is told by a pod
	// that runs.
	for _, name := range d.DeleteServices {
		errs = append(errs, r.deleteService(ctx, o, name))
	}
	stops := d.StopPods
	for _, name := range d.SpareJobs {
		err := r.patchJob(ctx, o, name, "spare", map[string]any{"backoffLimit": sparedFailures})
		if err != nil {
			stops = slices.DeleteFunc(slices.Clone(stops), func(key types.NamespacedName) bool { return o.pod(name, key) != nil })
		}
		errs = append(errs, err)
	}
	for _, key := range stops {
		errs = append(errs, r.stopPod(ctx, o, key))
	}
	for _, name := range d.CompleteJobs {
		errs = append(errs, r.patchJob(ctx, o, name, "complete", map[string]any{"completions": 0, "parallelism": 0}))
	}
	for _, name := range d.EndJobs {
		errs = append(errs, r.patchJob(ctx, o, name, "end", map[string]any{"activeDeadlineSeconds": 0}))
	}
	for _, name := range d.DeleteJobs {
		errs = append(errs, r.deleteJob(ctx, o, name))
	}
	return errors.Join(errs...)
}

func (r *Reconciler) patchJob(ctx context.Context, o *observation, name, doing string, spec map[string]any) error {
	return r.patch(ctx, o.Jobs[name], doing+" Job", nil, spec)
}

// stopPod cuts a pod's deadline, after which the kubelet ends it and keeps it.
func (r *Reconciler) stopPod(ctx context.Context, o *observation, key types.NamespacedName) error {
	for name := range o.Pods {
		if pod := o.pod(name, key); pod != nil {
			return r.patch(ctx, pod, "stop pod", nil, map[string]any{"activeDeadlineSeconds": 1})
		}
	}
	return nil
}

// pod returns the pod of that key, if it is one of the job or service, or nil.
func (o *observation) pod(name string, key types.NamespacedName) *corev1.Pod {
	for i := range o.Pods[name] {
		if client.ObjectKeyFromObject(&o.Pods[name][i]) == key {
			return &o.Pods[name][i]
		}
	}
	return nil
}

// deleteJob deletes the Job, and its pods with it, but for those that have ended:
// they get the Run as another owner, and the garbage collector leaves what has
// one.
func (r *Reconciler) deleteJob(ctx context.Context, o *observation, name string) error {
	job := o.Jobs[name]
	for i := range o.Pods[name] {
		pod := &o.Pods[name][i]
		if !metav1.IsControlledBy(pod, job) || !ended(pod) || owns(o.Run, pod) {
			continue
		}
		if err := r.keep(ctx, o.Run, pod); err != nil {
			return err
		}
	}
	err := r.Client.Delete(ctx, job, client.Preconditions{UID: &job.UID}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete Job %s: %w", job.Name, err)
	}
	r.recent.Forget(job)
	delete(o.Jobs, name)
	return nil
}

func (r *Reconciler) keep(ctx context.Context, run *v1alpha1.Run, pod *corev1.Pod) error {
	owner := metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.RunKind, Name: run.Name, UID: run.UID,
	}
	owners := append(slices.Clone(pod.OwnerReferences), owner)
	return r.patch(ctx, pod, "keep pod", map[string]any{"ownerReferences": owners}, map[string]any{})
}

func owns(run *v1alpha1.Run, pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == run.UID })
}

func ended(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && evidence.Ended(pod)
}
