package run

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// serve starts services: their Services first, so that a Job that exists has one,
// and knows where the others are. As long as one can't be had, no Job is made.
func (r *Reconciler) serve(ctx context.Context, o *observation, names []string) error {
	for _, name := range names {
		spec := o.serviceSpec(name)
		if spec == nil {
			continue
		}
		exposed, err := r.expose(ctx, o, name, job.Service(o.Run, spec))
		if err != nil {
			return err
		}
		if why, deferred := o.Deferred[name]; deferred {
			o.deferAll(names, why)
		}
		if !exposed {
			return nil
		}
	}
	var errs []error
	for _, name := range names {
		if spec := o.serviceSpec(name); spec != nil {
			errs = append(errs, r.create(ctx, o, name, job.BuildService(o.Run, o.Number, &o.Spec, spec)))
		}
	}
	return errors.Join(errs...)
}

// expose creates the Service, and reports whether it is there.
func (r *Reconciler) expose(ctx context.Context, o *observation, name string, service *corev1.Service) (bool, error) {
	err := r.createIfRoom(ctx, o, service)
	refusal, class := classify(err)
	if apierrors.IsAlreadyExists(err) {
		if refusal, class, err = r.existing(ctx, o, client.ObjectKeyFromObject(service), "Service", &corev1.Service{}); err != nil {
			return false, err
		}
	}
	switch class {
	case accepted:
		return true, nil
	case refused:
		if part := job.ServicePart(name); refusal.Reason == v1alpha1.ReasonNameConflict && !o.renamed(part) {
			r.rename(o, part)
			return false, nil
		}
		o.Refused[name] = refusal
		return false, nil
	case deferred:
		o.Deferred[name] = refusal
		return false, nil
	default:
		return false, fmt.Errorf("create Service %s: %w", service.Name, err)
	}
}

// deleteService deletes the service's Service, unless it is gone or isn't the Run's.
// No cache holds Services: they are a cluster's, and these are read once.
func (r *Reconciler) deleteService(ctx context.Context, o *observation, name string) error {
	key := client.ObjectKey{Namespace: o.Run.Namespace, Name: job.ServiceNameOf(o.Run, name)}
	var found corev1.Service
	err := r.APIReader.Get(ctx, key, &found)
	switch {
	case apierrors.IsNotFound(err), err == nil && !metav1.IsControlledBy(&found, o.Run):
		o.ServicesGone[name] = true
		return nil
	case err != nil:
		return fmt.Errorf("get Service %s: %w", key.Name, err)
	}
	err = r.Client.Delete(ctx, &found, client.Preconditions{UID: &found.UID})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete Service %s: %w", key.Name, err)
	}
	o.ServicesGone[name] = true
	return nil
}
