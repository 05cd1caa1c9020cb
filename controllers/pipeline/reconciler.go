// Package pipeline keeps Pipelines: the revision that new Runs are pinned to,
// whether the spec is valid, the last Run, and how many finished Runs stay.
package pipeline

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/pipeline/history"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/requeue"
)

// Reconciler reconciles Pipelines. Set every exported field.
type Reconciler struct {
	// Client reads from the cache and writes.
	Client client.Client
	// APIReader asks the API server, before a revision or a Run with notifiers is
	// deleted.
	APIReader client.Reader
	// Clock tells the time.
	Clock clock.PassiveClock
	// StoreWait is how long after a Run's end it is kept for the store, unless that has
	// what it leaves behind. 0: there is no store.
	StoreWait time.Duration
	// Installed are the installation's defaults for jobs. nil: none.
	Installed *revision.Installed
	// Forget is called with a Pipeline that is gone. nil: nobody asks.
	Forget func(types.NamespacedName)

	recent recent.Writes
	pace   pace
	runs   history.Runs
	swept  swept
}

// Reconcile brings a Pipeline's revision, status and Runs up to date.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var cached v1alpha1.Pipeline
	err := r.Client.Get(ctx, req.NamespacedName, &cached)
	if apierrors.IsNotFound(err) {
		r.forget(req.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("get pipeline: %w", err))
	}
	if !cached.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	pipeline := recent.Newer(&r.recent, r.Clock.Now(), &cached)
	after, err := r.advance(ctx, pipeline)
	return requeue.Of(ctrl.Result{RequeueAfter: after}, err)
}

func (r *Reconciler) forget(gone types.NamespacedName) {
	r.swept.forget(gone)
	if r.Forget != nil {
		r.Forget(gone)
	}
}

func (r *Reconciler) advance(ctx context.Context, pipeline *v1alpha1.Pipeline) (time.Duration, error) {
	active, seen := r.runs.Of(pipeline.UID)
	status := pipeline.Status.DeepCopy()
	status.ObservedGeneration = pipeline.Generation
	status.ActiveRuns = activeRuns(active)
	status.LastRun = history.Later(status.LastRun, seen.Last)
	status.LastNumber = lastNumber(status, seen.Number)
	if err := r.validate(ctx, pipeline, status); err != nil {
		return 0, err
	}
	if left, err := r.record(ctx, pipeline, status); err != nil || left > 0 {
		return left, err
	}
	if err := r.deleteSuperseded(ctx, pipeline, seen.Freed); err != nil {
		return 0, err
	}
	return r.retain(ctx, pipeline)
}

// validate sets Ready, and for a valid spec the revision that holds it.
func (r *Reconciler) validate(ctx context.Context, pipeline *v1alpha1.Pipeline, status *v1alpha1.PipelineStatus) error {
	ready := metav1.Condition{
		Type: fluxmeta.ReadyCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonValid, Message: "Runs can be started",
		ObservedGeneration: pipeline.Generation, LastTransitionTime: metav1.NewTime(r.Clock.Now().Truncate(time.Second)),
	}
	status.Revision = ""
	err := validation.Pipeline(pipeline).ToAggregate()
	if err != nil {
		ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec, err.Error()
	} else if err := r.pinnable(ctx, pipeline, status, &ready); err != nil {
		return err
	}
	meta.SetStatusCondition(&status.Conditions, ready)
	return nil
}

// record writes the status if it has changed, or returns how long to wait before that.
func (r *Reconciler) record(ctx context.Context, pipeline *v1alpha1.Pipeline, status *v1alpha1.PipelineStatus) (left time.Duration, err error) {
	if equality.Semantic.DeepEqual(&pipeline.Status, status) {
		return 0, nil
	}
	if left := r.pace.left(pipeline, status, r.Clock.Now()); left > 0 {
		return left, nil
	}
	before := pipeline.DeepCopy()
	pipeline.Status = *status
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, pipeline, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return 0, fmt.Errorf("record status: %w", err)
	}
	r.recent.Put(r.Clock.Now(), pipeline)
	r.pace.wrote(pipeline, r.Clock.Now())
	return 0, nil
}

// SetupWithManager starts the Reconciler with the manager, whose cache has to have
// the index of active Runs.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if err := IndexJobs(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index Jobs: %w", err)
	}
	b := ctrl.NewControllerManagedBy(mgr).
		Named("pipeline").
		WithOptions(opts).
		For(&v1alpha1.Pipeline{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Run{}, r.runNews())
	if r.Installed != nil {
		// The cache holds that one alone.
		b = b.Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.all))
	}
	return b.Complete(r)
}
