package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/places"
	"github.com/kayci/kayci/controllers/remote"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/sync/git"
)

const (
	// timeout bounds a look.
	timeout = time.Minute
	// connections is how many servers are talked to at once, and connectionSlice how
	// long one that is slow counts among them.
	connections     = 16
	connectionSlice = 10 * time.Second
	// retry is how soon a Run that couldn't be started for a fault is tried again.
	retry = time.Minute
	// maxMessage bounds the text of a failure, in bytes.
	maxMessage = 1024
)

// Reconciler starts Runs for the heads that have moved. Set every exported field.
type Reconciler struct {
	// Client reads Triggers from the cache and writes their status.
	Client client.Client
	// APIReader reads Secrets by name.
	APIReader client.Reader
	// Launcher starts Runs.
	Launcher *source.Launcher
	// Recorder tells of Runs that couldn't be started.
	Recorder events.EventRecorder
	// Clock is what intervals go by.
	Clock clock.PassiveClock
	// List asks a server for its heads: git.List outside tests.
	List func(context.Context, git.Request) (git.References, error)
	// Proxy of requests that name none; nil is none.
	Proxy git.Proxy
	// StoragePath is a writable folder. It may be lost.
	StoragePath string

	looks       looks
	connections *places.Places
}

// Reconcile starts the Runs of what has moved, and then records it: should it crash
// between, the Runs are there already when they are started again.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var trigger v1alpha1.Trigger
	err := r.Client.Get(ctx, req.NamespacedName, &trigger)
	if apierrors.IsNotFound(err) || err == nil && !trigger.DeletionTimestamp.IsZero() {
		r.looks.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("get trigger: %w", err)
	}
	return requeue.Of(r.look(ctx, &trigger))
}

func (r *Reconciler) look(ctx context.Context, trigger *v1alpha1.Trigger) (ctrl.Result, error) {
	spec := trigger.Spec.Poll
	if spec == nil || trigger.Spec.Suspend || len(validation.Trigger(trigger)) > 0 {
		r.looks.forget(client.ObjectKeyFromObject(trigger))
		return ctrl.Result{}, source.Record(ctx, r.Client, trigger, rest(trigger))
	}
	seen := r.looks.see(ctx, request{
		name:     client.ObjectKeyFromObject(trigger),
		at:       repository{trigger.Namespace, spec.URL, nameOf(spec.SecretRef), nameOf(spec.ProxySecretRef)},
		branches: spec.Branches, tags: spec.Tags, interval: interval(spec),
	})
	result := ctrl.Result{RequeueAfter: seen.next}
	switch {
	case seen.err != nil:
		return result, source.Record(ctx, r.Client, trigger, func(status *v1alpha1.TriggerStatus) { fail(status, seen.err) })
	case seen.found == nil:
		return result, nil
	}
	failed, err := r.start(ctx, trigger, moves(trigger.Status.Poll, spec, *seen.found))
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(failed) > 0 {
		result.RequeueAfter = retry
	}
	return result, source.Record(ctx, r.Client, trigger, func(status *v1alpha1.TriggerStatus) {
		status.Poll = remember(spec, *seen.found, failed)
	})
}

// rest is what a Trigger's status says that looks at nothing.
func rest(trigger *v1alpha1.Trigger) func(*v1alpha1.TriggerStatus) {
	return func(status *v1alpha1.TriggerStatus) {
		switch {
		case trigger.Spec.Poll == nil:
			status.Poll = nil
		case trigger.Spec.Suspend && status.Poll != nil:
			status.Poll.Suspended = true
		}
	}
}

// fail keeps why a look has failed, beside what is known.
func fail(status *v1alpha1.TriggerStatus, err error) {
	known := &v1alpha1.PollStatus{}
	if status.Poll != nil {
		known = status.Poll.DeepCopy()
	}
	reason := string(git.ReasonOf(err))
	if _, missing := errors.AsType[*remote.MissingSecretError](err); missing {
		reason = v1alpha1.ReasonSecretNotFound
	}
	known.Failure = &v1alpha1.PollFailure{Reason: reason, Message: printable.CutBytes(printable.Text(remote.Steady(err.Error())), maxMessage)}
	status.Poll = known
}

// start starts a Run for each head that has moved, and returns those that somebody has
// to put something right for.
func (r *Reconciler) start(ctx context.Context, trigger *v1alpha1.Trigger, moved []move) (failed []move, _ error) {
	for _, one := range moved {
		err := r.startOne(ctx, trigger, one)
		why, _ := fault.Of(err)
		switch {
		case why != nil:
			failed = append(failed, one)
			r.warn(trigger, fmt.Sprintf("no Run for %s of %s, which is tried again: %s", one.SHA, one.Ref, why.Message))
		case err != nil:
			return nil, err
		}
	}
	return failed, nil
}

func (r *Reconciler) startOne(ctx context.Context, trigger *v1alpha1.Trigger, one move) error {
	found, err := event.OfHead(trigger.Spec.Poll.URL, one.Ref, one.before, one.SHA)
	if err != nil {
		return fault.New("", err.Error())
	}
	reason := fmt.Sprintf("a look at the repository has found %s at %s, after %s", one.Ref, one.SHA, one.before)
	if one.before == "" {
		reason = fmt.Sprintf("a look at the repository has found %s, which is new, at %s", one.Ref, one.SHA)
	}
	origin := found.Origin()
	origin.Delivery = one.Ref + "@" + one.SHA
	_, err = r.Launcher.Launch(ctx, source.Request{
		Trigger: trigger,
		Vars:    expr.Vars{Event: found.Expr(), Body: map[string]any{}, Budget: expr.NewBudget(1)},
		Origin:  origin,
		Reason:  reason,
	})
	return err
}

func (r *Reconciler) warn(trigger *v1alpha1.Trigger, note string) {
	source.Warn(r.Recorder, trigger, nil, v1alpha1.ReasonCannotStart, note)
}

// list asks a repository's server, as one of those that may be talked to at once.
func (r *Reconciler) list(ctx context.Context, at repository) (git.References, error) {
	from := remote.Remote{Namespace: at.namespace, URL: at.url, SecretRef: refTo(at.secret), ProxySecretRef: refTo(at.proxy)}
	req := git.Request{Proxy: r.Proxy, Store: storeIn(r.StoragePath)}
	if err := from.Reach(ctx, r.APIReader, &req); err != nil {
		return git.References{}, err
	}
	ctx, release, err := r.connections.Take(ctx, at.namespace, connectionSlice)
	if err != nil {
		return git.References{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return r.List(ctx, req)
}

func interval(spec *v1alpha1.Poll) time.Duration {
	if spec.Interval == nil {
		return v1alpha1.DefaultPollInterval
	}
	return spec.Interval.Duration
}

func nameOf(ref *meta.LocalObjectReference) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}

func refTo(name string) *meta.LocalObjectReference {
	if name == "" {
		return nil
	}
	return &meta.LocalObjectReference{Name: name}
}
