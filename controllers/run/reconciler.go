// Package run executes Runs: it creates the Jobs of a Run's graph when they are
// ready, stops them when the Run is cancelled, and keeps the Run's status. What
// to do is decided by package plan from what is in the API server; nothing that
// matters is held in memory, so that a controller may be killed anywhere.
package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/run/plan"
)

// afterConflict is how long to wait for the cache after a conflict.
const afterConflict = 100 * time.Millisecond

// rounds bounds how often one look at a Run acts: the end of its last job, which
// may be one action, asks for another, the end of its services. If there is more
// to do, the next look comes after anotherRound.
const (
	rounds       = 2
	anotherRound = time.Second
)

// Reconciler reconciles Runs. Set every exported field.
type Reconciler struct {
	// Client reads from the cache, except for ConfigMaps, and writes.
	Client client.Client
	// APIReader asks the API server. It is used when the cache holds less than is
	// known to have existed, before the first Run of a Pipeline with a concurrency
	// key may start, and before one has to end for others of its key.
	APIReader client.Reader
	// Starter makes the Runs that retry others.
	Starter Starter
	// Recorder writes the events that say how a Run has ended, and what became of
	// those who should tell so.
	Recorder events.EventRecorder
	// Clock tells the time.
	Clock clock.PassiveClock
	// Metrics counts finished Runs. nil: not counted.
	Metrics *Metrics
	// Installed are the installation's defaults for jobs. nil: none.
	Installed *revision.Installed
	// Vouched says that an admission webhook sets who gave a Run's approvals.
	Vouched bool

	recent     recent.Writes
	numbers    lastNumbers
	neighbours neighbours
	rooms      rooms
	names      names
}

// Reconcile brings one Run a step further.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	rest := r.neighbours.work(req.NamespacedName)
	defer rest()
	run, err := r.get(ctx, req.NamespacedName)
	switch {
	case err == nil && run == nil:
		return ctrl.Result{}, r.bury(ctx, req.NamespacedName)
	case err != nil, !run.DeletionTimestamp.IsZero():
		return ctrl.Result{}, err
	}
	after, err := r.advance(ctx, run)
	if err == nil {
		err = r.answer(ctx, run)
	}
	// By what it is now, and not by what it was when it was asked for.
	priority := new(rank(run, r.Clock.Now()))
	if apierrors.IsConflict(err) || errors.Is(err, errNotItsTurn) {
		// The Run has changed since it was read: somebody cancelled it, or the cache
		// is behind. Or it is another's turn. Nothing is wrong; read again when the cache
		// had time to follow.
		return ctrl.Result{RequeueAfter: afterConflict, Priority: priority}, nil
	}
	if err != nil {
		return ctrl.Result{Priority: priority}, err // A time beside it would be ignored, with a warning.
	}
	return ctrl.Result{RequeueAfter: after, Priority: priority}, nil
}

// advance observes, decides, acts, and records what the Run has come to. It
// returns when to look again at the latest, 0 for when something happens.
func (r *Reconciler) advance(ctx context.Context, run *v1alpha1.Run) (time.Duration, error) {
	facts, err := r.observe(ctx, run)
	if err == nil {
		err = r.findPlace(ctx, facts)
	}
	if err != nil {
		return r.fail(ctx, facts, err)
	}
	decision := plan.Decide(&facts.Facts)
	if len(decision.Number) > 0 {
		err = r.claimOrDefer(ctx, facts, decision.Number)
		decision = plan.Decide(&facts.Facts)
	}
	for round := 0; round < rounds && err == nil && decision.Acts(); round++ {
		err = r.act(ctx, facts, &decision)
		decision = plan.Decide(&facts.Facts)
	}
	if isFault(err) {
		return r.fail(ctx, facts, err)
	}
	ends := decision.Status.Phase.Finished() && !run.Status.Phase.Finished()
	if len(decision.Notify) > 0 && !ends {
		err = errors.Join(err, r.notify(ctx, facts, &decision))
		decision = plan.Decide(&facts.Facts)
	}
	// What was done is recorded even if something else could not be.
	err = errors.Join(err, r.record(ctx, run, &decision.Status))
	if err == nil && len(decision.Notify) > 0 {
		// Until it was recorded, the end might have become another.
		return r.advance(ctx, run)
	}
	return facts.lookAgain(&decision), err
}

// fail ends the Run if the error is its own fault, and stops what it had
// started, or lets it wait. Any other error is the world's: it goes back to the
// queue, which tries again later.
func (r *Reconciler) fail(ctx context.Context, facts *observation, err error) (time.Duration, error) {
	if w, ok := errors.AsType[*wait](err); ok {
		return r.await(ctx, facts, w)
	}
	var fault *fault
	if !errors.As(err, &fault) {
		return 0, err
	}
	decision := plan.Decision{Status: facts.Fail(fault.reason, fault.message)}
	facts.Notify(&decision)
	if err := r.record(ctx, facts.Run, &decision.Status); err != nil {
		return 0, err
	}
	// A Run that has finished is followed by its status alone, which has no fault.
	return r.advance(ctx, facts.Run)
}

func isFault(err error) bool {
	var fault *fault
	return errors.As(err, &fault)
}

// fault is an error that only another Run can help: trying again is useless.
type fault struct {
	reason, message string
}

func (f *fault) Error() string { return f.reason + ": " + f.message }

// get returns the Run, or nil if there is none.
func (r *Reconciler) get(ctx context.Context, key types.NamespacedName) (*v1alpha1.Run, error) {
	var run v1alpha1.Run
	if err := r.Client.Get(ctx, key, &run); err != nil {
		return nil, client.IgnoreNotFound(fmt.Errorf("get run: %w", err))
	}
	return recent.Newer(&r.recent, r.Clock.Now(), &run), nil
}
