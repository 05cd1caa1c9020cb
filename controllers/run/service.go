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

// serve starts a service: its Service first, so that a Job that exists has one.
func (r *Reconciler) serve(ctx context.Context, o *observation, name string) error {
	spec := o.serviceSpec(name)
	if spec == nil {
		return nil
	}
	exposed, err := r.expose(ctx, o, name, job.Service(o.Run, spec))
	if err != nil || !exposed {
		return err
	}
	return r.create(ctx, o, name, job.BuildService(o.Run, o.Number, &o.Spec, spec))
}

func (o *observation) serviceSpec(name string) *v1alpha1.Service {
	for i := range o.Spec.Services {
		if o.Spec.Services[i].Name == name {
			return &o.Spec.Services[i]
		}
	}
	return nil
}

// expose creates the Service, and reports whether it is there.
func (r *Reconciler) expose(ctx context.Context, o *observation, name string, service *corev1.Service) (bool, error) {
	err := r.Client.Create(ctx, service, client.FieldOwner(v1alpha1.FieldManager))
	if apierrors.IsAlreadyExists(err) {
		return r.adoptService(ctx, o, name, client.ObjectKeyFromObject(service))
	}
	refusal, class := classify(err)
	switch class {
	case accepted:
		return true, nil
	case refused:
		o.Refused[name] = refusal
		return false, nil
	case deferred:
		o.Deferred[name] = refusal
		return false, nil
	default:
		return false, fmt.Errorf("create Service %s: %w", service.Name, err)
	}
}

// adoptService takes a Service of this name for the Run's only if it belongs to
// this very Run.
func (r *Reconciler) adoptService(ctx context.Context, o *observation, name string, key client.ObjectKey) (bool, error) {
	var found corev1.Service
	if err := r.APIReader.Get(ctx, key, &found); err != nil {
		return false, fmt.Errorf("get Service %s: %w", key.Name, err)
	}
	switch {
	case o.predecessors(&found):
		o.Deferred[name] = plan.Refusal{
			Reason: plan.ReasonNameConflict, Message: fmt.Sprintf("Service %s of an earlier Run of this name is still being deleted", key.Name),
		}
		return false, nil
	case metav1.IsControlledBy(&found, o.Run):
		return true, nil
	default:
		o.Refused[name] = plan.Refusal{
			Reason: plan.ReasonNameConflict, Message: fmt.Sprintf("a Service named %s exists and isn't this Run's; name the Run otherwise", key.Name),
		}
		return false, nil
	}
}

// retire deletes the service's Service, unless it is gone or isn't the Run's.
// No cache holds Services: they are a cluster's, and these are read once.
func (r *Reconciler) retire(ctx context.Context, o *observation, name string) error {
	key := client.ObjectKey{Namespace: o.Run.Namespace, Name: job.ServiceName(o.Run.Name, name)}
	var found corev1.Service
	err := r.APIReader.Get(ctx, key, &found)
	switch {
	case apierrors.IsNotFound(err), err == nil && !metav1.IsControlledBy(&found, o.Run):
		o.Retired[name] = true
		return nil
	case err != nil:
		return fmt.Errorf("get Service %s: %w", key.Name, err)
	}
	err = r.Client.Delete(ctx, &found, client.Preconditions{UID: &found.UID})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete Service %s: %w", key.Name, err)
	}
	o.Retired[name] = true
	return nil
}
