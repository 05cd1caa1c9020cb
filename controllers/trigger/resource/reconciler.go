package resource

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/trigger/source"
)

const (
	// most is how many changes of a Trigger are evaluated in one look, and gap is between
	// two looks that evaluate some: what changes all the time costs no more.
	most = 50
	gap  = time.Second
	// saving is how seldom a mark is stored that has moved without a Run.
	saving = 10 * time.Minute
	// retryKind is how soon a kind that the API server doesn't serve is asked for again,
	// and retry a Pipeline that isn't there.
	retryKind = 10 * time.Second
	retry     = time.Minute
	// lastWrites is how long to go on storing marks at the end.
	lastWrites = 5 * time.Second
	// maxMessage bounds the text of a failure, in bytes.
	maxMessage = 1024
)

// Reconciler starts Runs for what becomes of objects. Set every exported field.
type Reconciler struct {
	// Client reads Triggers from the cache and writes their status.
	Client client.Client
	// Mapper knows which kinds the API server serves.
	Mapper meta.RESTMapper
	// Launcher starts Runs.
	Launcher *source.Launcher
	// Recorder tells of Runs that couldn't be started.
	Recorder events.EventRecorder
	// Clock is what intervals go by.
	Clock clock.PassiveClock

	watches watches
	// written are the Triggers as they were recorded last.
	written recent.Writes
}

// Reconcile starts the Run of the first change that waits, and then records it: should it
// crash between, the Run is there already when it is started again.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	cached := &v1alpha1.Trigger{}
	err := r.Client.Get(ctx, req.NamespacedName, cached)
	if apierrors.IsNotFound(err) || err == nil && !cached.DeletionTimestamp.IsZero() {
		r.watches.forget(ctx, req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("get trigger: %w", err)
	}
	return requeue.Of(r.look(ctx, recent.Newer(&r.written, r.Clock.Now(), cached)))
}

func (r *Reconciler) look(ctx context.Context, trigger *v1alpha1.Trigger) (ctrl.Result, error) {
	name := client.ObjectKeyFromObject(trigger)
	if trigger.Spec.Resource == nil || trigger.Spec.Suspend || len(validation.Trigger(trigger)) > 0 {
		r.watches.forget(ctx, name)
		return ctrl.Result{}, r.record(ctx, trigger, rest(trigger))
	}
	asked, err := newWish(trigger)
	if err != nil {
		return ctrl.Result{}, err
	}
	begun := begin(trigger, asked.selector)
	at, watched := r.watches.place(name, &asked)
	if !watched {
		at, err = r.find(trigger.Namespace, &asked)
	}
	if err != nil {
		r.watches.forget(ctx, name)
		return ctrl.Result{RequeueAfter: retryKind}, r.record(ctx, trigger, failing(begun, err))
	}
	seen := r.watches.see(ctx, request{name: name, at: at, wish: asked, mark: markOf(&begun), started: startOf(&begun)})
	if !seen.ready {
		if seen.err == nil {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, r.record(ctx, trigger, failing(begun, seen.err))
	}
	result, err := r.work(ctx, trigger, seen)
	left, saveErr := r.save(ctx, trigger, begun, saving)
	if result.RequeueAfter == 0 {
		result.RequeueAfter = left
	}
	return result, errors.Join(err, saveErr)
}

// run ends the watches with the manager, and stores the marks then: what was ignored is
// not to be evaluated again, without its old object.
func (r *Reconciler) run(ctx context.Context) error {
	<-ctx.Done()
	names := r.watches.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
	defer cancel()
	for _, name := range names {
		if err := r.end(ctx, name); err != nil && !apierrors.IsConflict(err) {
			ctrl.LoggerFrom(ctx).Error(err, "Record up to where the changes of objects were seen to", "trigger", name)
		}
	}
	return nil
}

func (r *Reconciler) end(ctx context.Context, name types.NamespacedName) error {
	cached := &v1alpha1.Trigger{}
	if err := r.Client.Get(ctx, name, cached); err != nil {
		return client.IgnoreNotFound(err)
	}
	trigger := recent.Newer(&r.written, r.Clock.Now(), cached)
	if trigger.Spec.Resource == nil {
		return nil
	}
	asked, err := newWish(trigger)
	if _, watched := r.watches.place(name, &asked); err != nil || !watched {
		return err
	}
	_, err = r.save(ctx, trigger, begin(trigger, asked.selector), 0)
	return err
}

// find returns where the objects are. The error is for people.
func (r *Reconciler) find(namespace string, asked *wish) (place, error) {
	mapping, err := r.Mapper.RESTMapping(asked.kind.GroupKind(), asked.kind.Version)
	switch {
	case meta.IsNoMatchError(err):
		return place{}, fault.New(v1alpha1.ReasonKindNotFound, fmt.Sprintf("the API server serves no kind %s of %s: correct it, or install what brings it", asked.kind.Kind, asked.kind.GroupVersion()))
	case err != nil:
		return place{}, fault.New(v1alpha1.ReasonWatchFailed, fmt.Sprintf("the API server doesn't say which kinds there are of %s: %v", asked.kind.GroupVersion(), err))
	case mapping.Scope.Name() != meta.RESTScopeNameNamespace:
		return place{}, fault.New(v1alpha1.ReasonKindNotNamespaced, fmt.Sprintf("a %s lives in no namespace, and a Trigger is about objects of its own", asked.kind.Kind))
	}
	return place{namespace: namespace, kind: asked.kind, resource: mapping.Resource.Resource}, nil
}

// work starts the Run of the first change that is to have one, if it is time for one.
func (r *Reconciler) work(ctx context.Context, trigger *v1alpha1.Trigger, seen view) (ctrl.Result, error) {
	name := client.ObjectKeyFromObject(trigger)
	if seen.lost > 0 {
		r.warn(trigger, fmt.Sprintf("no Run for %d deletions: %d others wait for theirs", seen.lost, maxGone))
	}
	if left := r.pause(trigger, seen); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	for _, one := range seen.changes[:min(len(seen.changes), most)] {
		what, err := r.start(ctx, trigger, one)
		why, _ := fault.Of(err)
		switch {
		case err != nil && why == nil:
			return ctrl.Result{}, err
		case why != nil && why.Reason == v1alpha1.ReasonPipelineNotFound:
			// The condition Ready says so.
			return ctrl.Result{RequeueAfter: retry}, nil
		case why != nil:
			what = refused
			r.refuse(trigger, one, why)
		}
		r.watches.settle(name, one, what)
		if what != ignored {
			break
		}
	}
	if left := r.watches.left(name); len(left.changes) > 0 {
		return ctrl.Result{RequeueAfter: max(r.pause(trigger, left), time.Millisecond)}, nil
	}
	return ctrl.Result{}, nil
}

// pause is how long what waits has to wait yet.
func (r *Reconciler) pause(trigger *v1alpha1.Trigger, seen view) time.Duration {
	if len(seen.changes) == 0 {
		return 0
	}
	return seen.pace.pause(trigger.Spec.Resource.Interval(), r.Clock.Now())
}

// refuse tells of a change that has no Run though it should.
func (r *Reconciler) refuse(trigger *v1alpha1.Trigger, one change, why *fault.Error) {
	r.Launcher.Decisions.Add(client.ObjectKeyFromObject(trigger), v1alpha1.Decision{
		Outcome: v1alpha1.DecisionInvalid, Reason: reason(trigger, one) + ": " + why.Message, Delivery: delivery(one),
	})
	r.warn(trigger, fmt.Sprintf("no Run, though %s: %s", reason(trigger, one), why.Message))
}

func (r *Reconciler) warn(trigger *v1alpha1.Trigger, note string) {
	source.Warn(r.Recorder, trigger, nil, v1alpha1.ReasonCannotStart, note)
}

// save stores the mark where a Run was started or it has to be, and else if the status is
// older than seldom. It returns in how long that will be, of a mark that has moved.
func (r *Reconciler) save(ctx context.Context, trigger *v1alpha1.Trigger, begun v1alpha1.ResourceStatus, seldom time.Duration) (time.Duration, error) {
	name := client.ObjectKeyFromObject(trigger)
	now := r.watches.left(name)
	if !now.ready {
		return 0, nil
	}
	var left time.Duration
	if now.mark.version != begun.Version && begun.Time != nil {
		left = begun.Time.Add(seldom).Sub(r.Clock.Now())
	}
	if now.unsaved || now.mark.version != begun.Version && left <= 0 {
		left = 0
		begun.Version, begun.Time = now.mark.version, stored(now.mark.at)
	}
	if !now.pace.started.IsZero() {
		begun.Started = stored(now.pace.started)
	}
	if err := r.record(ctx, trigger, failing(begun, now.err)); err != nil {
		return 0, err
	}
	r.watches.saved(name, markOf(&begun), now.mark)
	return left, nil
}

func (r *Reconciler) record(ctx context.Context, trigger *v1alpha1.Trigger, change func(*v1alpha1.TriggerStatus)) error {
	before := trigger.ResourceVersion
	err := source.Record(ctx, r.Client, trigger, change)
	if err == nil && trigger.ResourceVersion != before {
		r.written.Put(r.Clock.Now(), trigger)
	}
	return err
}

// rest is what a Trigger's status says that watches nothing.
func rest(trigger *v1alpha1.Trigger) func(*v1alpha1.TriggerStatus) {
	return func(status *v1alpha1.TriggerStatus) {
		switch {
		case trigger.Spec.Resource == nil:
			status.Resource = nil
		case trigger.Spec.Suspend && status.Resource != nil:
			status.Resource.Suspended = true
		}
	}
}

// failing is what the status says, with why the objects can't be watched, if they can't.
func failing(begun v1alpha1.ResourceStatus, err error) func(*v1alpha1.TriggerStatus) {
	if err != nil {
		begun.Failure = failure(err)
	}
	return func(status *v1alpha1.TriggerStatus) { status.Resource = &begun }
}

func failure(err error) *v1alpha1.ResourceFailure {
	reason, message := v1alpha1.ReasonWatchFailed, err.Error()
	switch why, _ := fault.Of(err); {
	case why != nil:
		reason, message = why.Reason, why.Message
	case apierrors.IsNotFound(err):
		reason = v1alpha1.ReasonKindNotFound
	case apierrors.IsForbidden(err):
		message += ": list the kind in triggers.resources of KayCI's chart"
	}
	return &v1alpha1.ResourceFailure{Reason: reason, Message: printable.CutBytes(printable.Text(message), maxMessage)}
}

func markOf(begun *v1alpha1.ResourceStatus) mark {
	known := mark{version: begun.Version}
	if begun.Time != nil {
		known.at = begun.Time.Time
	}
	return known
}

func startOf(begun *v1alpha1.ResourceStatus) time.Time {
	if begun.Started == nil {
		return time.Time{}
	}
	return begun.Started.Time
}

// stored is a time as the API server keeps it.
func stored(t time.Time) *metav1.Time { return &metav1.Time{Time: t.Truncate(time.Second)} }
