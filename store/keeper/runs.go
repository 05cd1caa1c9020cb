package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/run/settled"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/records"
)

// Runs stores a record of each Run that has ended. Set every exported field.
type Runs struct {
	// Client reads from the cache, and APIReader asks the API server.
	Client, APIReader client.Reader
	// Status writes the condition.
	Status client.StatusClient
	Bucket bucket.Bucket
	Logs   *Logs
	Clock  clock.PassiveClock
	// Metrics count.
	Metrics *Metrics

	waits   waits
	deleted deleted
}

// Reconcile stores the record of a Run whose logs have ended.
func (r *Runs) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if run, at := r.deleted.of(req.NamespacedName); run != nil {
		return r.recordDeleted(ctx, run, at)
	}
	var run v1alpha1.Run
	if err := r.Client.Get(ctx, req.NamespacedName, &run); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !run.Status.Phase.Finished() || run.Status.CompletionTime == nil {
		return ctrl.Result{}, nil
	}
	if isStored(&run) {
		r.forget(&run)
		return ctrl.Result{}, nil
	}
	left, err := r.left(ctx, &run)
	if err != nil {
		return ctrl.Result{}, err
	}
	if wait := r.waits.wait(&run, r.Clock.Now(), r.open(&run, left)); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	m, err := r.store(ctx, &run, left)
	if errors.Is(err, errBucket) {
		return ctrl.Result{}, errors.Join(err, r.say(ctx, &run, refused(err)))
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	return requeue.Of(ctrl.Result{}, r.say(ctx, &run, m.condition()))
}

func isStored(run *v1alpha1.Run) bool {
	return meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.StoredCondition)
}

// forget forgets a Run that is stored or gone.
func (r *Runs) forget(run *v1alpha1.Run) {
	r.waits.forget(run.UID)
	r.Logs.Forget(run.UID)
}

// open reports whether anything of the Run is still to come.
func (r *Runs) open(run *v1alpha1.Run, left *left) bool {
	return len(r.missing(run, left.pods, r.Logs.Ends(run.UID)).awaited) > 0 || !settled.ByRun(left.jobs).Settled(run, r.Clock.Now())
}

// refused says why the bucket doesn't take the record.
func refused(err error) metav1.Condition {
	c := metav1.Condition{
		Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonStoreUnavailable,
		Message: "The store's bucket doesn't take the record, which is tried again: its process says why in its log",
	}
	switch {
	case errors.Is(err, bucket.ErrFull):
		c.Message = "The store is full, and its operator has to make room: the record is tried again"
	case errors.Is(err, bucket.ErrDenied):
		c.Message = "The store has no right to use its bucket, and its operator has to give it: the record is tried again"
	}
	return c
}

// errBucket says that the bucket doesn't take the record.
var errBucket = errors.New("the bucket doesn't take the record")

// store stores the record, and returns what is missing.
func (r *Runs) store(ctx context.Context, run *v1alpha1.Run, left *left) (*missing, error) {
	ends, err := r.complete(ctx, run, left)
	if err != nil {
		return nil, err
	}
	record := &records.Record{Run: run.DeepCopy(), Stored: metav1.NewTime(r.Clock.Now())}
	record.Run.ManagedFields = nil
	slices.SortStableFunc(left.pods, func(a, b corev1.Pod) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	beyond := max(0, len(left.pods)-records.MaxPods)
	for i := range left.pods[beyond:] {
		record.Pods = append(record.Pods, records.Lean(&left.pods[beyond+i]))
	}
	if record.Spec, err = r.spec(ctx, run); err != nil {
		return nil, err
	}
	if record.Events, err = r.events(ctx, run); err != nil {
		return nil, err
	}
	if err := records.Put(ctx, r.Bucket, record); err != nil {
		r.Metrics.records.WithLabelValues("error").Inc()
		return nil, fmt.Errorf("%w: %w", errBucket, err)
	}
	r.Metrics.records.WithLabelValues("stored").Inc()
	m := r.missing(run, left.pods, ends)
	if beyond > 0 {
		m.parts = append(m.parts, fmt.Sprintf("the logs of the %d oldest pods can't be found: the record holds %d pods", beyond, records.MaxPods))
	}
	return m, nil
}

// maxMessage bounds the condition's message, in bytes.
const maxMessage = 1024

// say sets the condition, unless it says the same already.
func (r *Runs) say(ctx context.Context, run *v1alpha1.Run, c metav1.Condition) error {
	c.Type, c.ObservedGeneration = v1alpha1.StoredCondition, run.Generation
	c.Message = printable.CutBytes(c.Message, maxMessage)
	if now := meta.FindStatusCondition(run.Status.Conditions, c.Type); now != nil && now.Status == c.Status && now.Reason == c.Reason && now.Message == c.Message {
		return nil
	}
	c.LastTransitionTime = metav1.NewTime(r.Clock.Now().Truncate(time.Second))
	changed := run.DeepCopy()
	meta.SetStatusCondition(&changed.Status.Conditions, c)
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := r.Status.Status().Patch(ctx, changed, patch, client.FieldOwner(fieldManager)); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("record that run %s is stored: %w", run.Name, err))
	}
	return nil
}

// fieldManager is who writes the condition.
const fieldManager = "kayci-store"

// spec of the revision that the Run has executed.
func (r *Runs) spec(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	if run.Spec.Revision == "" {
		return nil, nil //nolint:nilnil // A Run that never began has none.
	}
	var copied appsv1.ControllerRevision
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Revision}, &copied)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // Somebody has deleted it.
	}
	if err != nil {
		return nil, fmt.Errorf("get revision %s: %w", run.Spec.Revision, err)
	}
	spec, err := revision.Spec(&copied)
	if err != nil {
		return nil, fmt.Errorf("read revision %s: %w", run.Spec.Revision, err)
	}
	return &spec, nil
}

// maxEvents is how many events of a Run are kept: the newest.
const maxEvents = 200

// events about the Run, oldest first.
func (r *Runs) events(ctx context.Context, run *v1alpha1.Run) ([]corev1.Event, error) {
	var list corev1.EventList
	about := client.MatchingFields{"involvedObject.uid": string(run.UID)}
	if err := r.APIReader.List(ctx, &list, client.InNamespace(run.Namespace), about); err != nil {
		return nil, fmt.Errorf("list the events of run %s: %w", run.Name, err)
	}
	events := list.Items
	for i := range events {
		events[i].ManagedFields = nil
	}
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return when(&a).Compare(when(&b)) })
	return events[max(0, len(events)-maxEvents):], nil
}

func when(event *corev1.Event) time.Time {
	if !event.EventTime.IsZero() {
		return event.EventTime.Time
	}
	return event.LastTimestamp.Time
}
