package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// serve starts services: their Services first, so that a Job that exists has one,
// and knows where the others are.
func (r *Reconciler) serve(ctx context.Context, o *observation, names []string) error {
	var errs []error
	var exposed []*v1alpha1.Service
	for _, name := range names {
		spec := o.serviceSpec(name)
		if spec == nil {
			continue
		}
		ok, err := r.expose(ctx, o, name, job.Service(o.Run, spec))
		errs = append(errs, err)
		if ok {
			exposed = append(exposed, spec)
		}
	}
	for _, spec := range exposed {
		built := job.BuildService(o.Run, o.Number, &o.Spec, spec)
		o.readdress(built)
		errs = append(errs, r.create(ctx, o, spec.Name, built))
	}
	return errors.Join(errs...)
}

// readdress tells a Job the addresses of services whose Service couldn't have its
// own name.
func (o *observation) readdress(built *batchv1.Job) {
	for i := range o.Spec.Services {
		s := &o.Spec.Services[i]
		if name := o.otherService(s.Name); name != "" {
			job.Readdress(built, s, name)
		}
	}
}

// otherService returns the name of the service's Service, blank if that is its
// own. The service's Job knows it.
func (o *observation) otherService(name string) string {
	if made := o.Jobs[name]; made != nil {
		return job.Readdressed(made)
	}
	return o.renamed[name]
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
	err := r.createIfRoom(ctx, o, service)
	refusal, class := classify(err)
	if apierrors.IsAlreadyExists(err) {
		if refusal, class, err = r.existing(ctx, o, client.ObjectKeyFromObject(service), "Service", &corev1.Service{}); err != nil {
			return false, err
		}
	}
	own := job.ServiceName(o.Run.Name, name)
	switch class {
	case accepted:
		if service.Name != own {
			o.renamed[name] = service.Name
		}
		return true, nil
	case refused:
		if refusal.Reason == plan.ReasonNameConflict && service.Name == own {
			service.Name = job.OtherName(o.Run, own)
			return r.expose(ctx, o, name, service)
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

// retire deletes the service's Service, unless it is gone or isn't the Run's.
// No cache holds Services: they are a cluster's, and these are read once.
func (r *Reconciler) retire(ctx context.Context, o *observation, name string) error {
	own := job.ServiceName(o.Run.Name, name)
	names := []string{cmp.Or(o.otherService(name), own)}
	if o.Jobs[name] == nil {
		names = []string{own, job.OtherName(o.Run, own)}
	}
	for _, service := range names {
		if err := r.deleteService(ctx, o, service); err != nil {
			return err
		}
	}
	o.Retired[name] = true
	return nil
}

func (r *Reconciler) deleteService(ctx context.Context, o *observation, name string) error {
	key := client.ObjectKey{Namespace: o.Run.Namespace, Name: name}
	var found corev1.Service
	err := r.APIReader.Get(ctx, key, &found)
	switch {
	case apierrors.IsNotFound(err), err == nil && !metav1.IsControlledBy(&found, o.Run):
		return nil
	case err != nil:
		return fmt.Errorf("get Service %s: %w", key.Name, err)
	}
	err = r.Client.Delete(ctx, &found, client.Preconditions{UID: &found.UID})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("delete Service %s: %w", key.Name, err)
	}
	return nil
}
