// Package trigger keeps the status of Triggers: whether anything could start a
// Run, what is missing where not, and where to send events. The events themselves
// are received by its webhook package, on every replica; what else starts Runs has a
// package of its own, and runs where it leads.
package trigger

import (
	"bytes"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/controllers/trigger/upstream"
)

const (
	// recheck is how often a Trigger's Secret is looked at: Secrets are not watched,
	// since that would need the right to list them all.
	recheck = 10 * time.Minute
	// recheckMissing is for a Secret that isn't right: a person is about to make it.
	recheckMissing = 30 * time.Second
)

// Reconciler reconciles Triggers. Set every exported field.
type Reconciler struct {
	// Client reads Triggers and Pipelines from the cache and writes status.
	Client client.Client
	// APIReader reads Secrets by name.
	APIReader client.Reader
}

// Reconcile brings a Trigger's status up to date.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var trigger v1alpha1.Trigger
	if err := r.Client.Get(ctx, req.NamespacedName, &trigger); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("get trigger: %w", err))
	}
	if !trigger.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	seen, err := r.observe(ctx, &trigger)
	if err != nil {
		return ctrl.Result{}, err
	}
	err = r.record(ctx, &trigger, assess(&trigger, seen))
	return requeue.Of(ctrl.Result{RequeueAfter: nextCheck(&trigger, seen)}, err)
}

// observe reads what the Trigger refers to.
func (r *Reconciler) observe(ctx context.Context, trigger *v1alpha1.Trigger) (observed, error) {
	var seen observed
	pipeline := &v1alpha1.Pipeline{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: trigger.Spec.Pipeline}, pipeline)
	if client.IgnoreNotFound(err) != nil {
		return seen, fmt.Errorf("get pipeline %s: %w", trigger.Spec.Pipeline, err)
	}
	if err == nil && pipeline.DeletionTimestamp.IsZero() {
		seen.pipeline = pipeline
	}
	if trigger.Spec.Webhook != nil {
		seen.secret, err = r.observeSecret(ctx, trigger, trigger.Spec.Webhook.SecretRef.Name, hasToken)
		if err != nil {
			return seen, err
		}
	}
	if trigger.Spec.Run != nil {
		var others v1alpha1.TriggerList
		if err := r.Client.List(ctx, &others, client.InNamespace(trigger.Namespace), client.UnsafeDisableDeepCopy); err != nil {
			return seen, fmt.Errorf("list triggers: %w", err)
		}
		seen.loop = upstream.Loop(trigger, others.Items)
	}
	seen.report = secretUsable
	if report := trigger.Spec.Report; report != nil {
		seen.report, err = r.observeSecret(ctx, trigger, report.SecretRef.Name, func(data map[string][]byte) bool {
			access := githost.Access{Provider: trigger.Spec.ReportProvider(), Secret: data}
			return access.Usable()
		})
		return seen, err
	}
	return seen, nil
}

func hasToken(data map[string][]byte) bool {
	return len(bytes.TrimRight(data[v1alpha1.TokenKey], "\r\n")) > 0
}

func (r *Reconciler) observeSecret(ctx context.Context, trigger *v1alpha1.Trigger, name string, usable func(map[string][]byte) bool) (secretState, error) {
	var secret corev1.Secret
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: trigger.Namespace, Name: name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return secretUnusable, nil
	case apierrors.IsForbidden(err):
		return secretForbidden, nil
	case err != nil:
		return secretUnusable, fmt.Errorf("get secret %s: %w", name, err)
	case !usable(secret.Data):
		return secretUnusable, nil
	}
	return secretUsable, nil
}

func (r *Reconciler) record(ctx context.Context, trigger *v1alpha1.Trigger, found verdict) error {
	return source.Record(ctx, r.Client, trigger, func(status *v1alpha1.TriggerStatus) {
		status.ObservedGeneration = trigger.Generation
		status.WebhookPath, status.Source = webhookPath(trigger), sourceText(trigger)
		meta.SetStatusCondition(&status.Conditions, found.condition(trigger.Generation))
	})
}

// looked passes on what a look at a repository or at objects has changed of what is
// known, and a Trigger may be ready by.
func looked() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, is := e.ObjectOld.(*v1alpha1.Trigger)
			after, are := e.ObjectNew.(*v1alpha1.Trigger)
			return is && are && (!equality.Semantic.DeepEqual(before.Status.Poll, after.Status.Poll) ||
				!equality.Semantic.DeepEqual(withoutMark(before.Status.Resource), withoutMark(after.Status.Resource)))
		},
	}
}

// withoutMark is what is known of objects but for how far they were seen to, which moves
// with each Run.
func withoutMark(known *v1alpha1.ResourceStatus) *v1alpha1.ResourceStatus {
	if known == nil || known.Version == "" {
		return known
	}
	still := known.DeepCopy()
	still.Version, still.Time, still.Started = "seen", nil, nil
	return still
}

// SetupWithManager starts the Reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	every := func(*v1alpha1.TriggerSpec) bool { return true }
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("trigger").
		WithOptions(opts).
		For(&v1alpha1.Trigger{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, looked()))).
		Watches(&v1alpha1.Trigger{}, handler.EnqueueRequestsFromMapFunc(upstream.Waiting(r.Client)), changed).
		Watches(&v1alpha1.Pipeline{}, handler.EnqueueRequestsFromMapFunc(source.OfPipeline(r.Client, every)), changed).
		Complete(r)
}
