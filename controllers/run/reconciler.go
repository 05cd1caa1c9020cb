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

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/run/plan"
)

// nextTurn is how soon to look whether it is a Run's turn.
const nextTurn = 100 * time.Millisecond

// steps bounds what one look at a Run does. If there is more to do, the next look
// comes after anotherRound.
const (
	steps        = 20
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

// Reconcile brings one Run as far as it goes now.
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
	if errors.Is(err, errNotItsTurn) {
		after, err = nextTurn, nil
	}
	// By what it is now, and not by what it was when it was asked for.
	return requeue.Of(ctrl.Result{RequeueAfter: after, Priority: new(rank(run, r.Clock.Now()))}, err)
}

// advance observes, and takes one step after the other until there is nothing to
// do. It returns when to look again at the latest, 0 for when something happens.
func (r *Reconciler) advance(ctx context.Context, run *v1alpha1.Run) (time.Duration, error) {
	o, err := r.observe(ctx, run)
	defer func() { o.leave() }()
	var undone error
	for range steps {
		if err != nil {
			return 0, errors.Join(undone, err)
		}
		d := plan.Decide(&o.Facts)
		if d.Step == plan.Nothing {
			return o.lookAgain(&d), undone
		}
		if err = o.note(r.take(ctx, o, &d)); err != nil && o.goesOnWithout(d.Step) {
			undone, err = errors.Join(undone, err), nil
		}
		if err == nil && o.stale {
			o, err = r.observe(ctx, run)
			o.Spent = undone != nil
		}
	}
	return anotherRound, errors.Join(undone, err)
}

// take takes the step that was decided on, and notes in the observation what came
// of it.
func (r *Reconciler) take(ctx context.Context, o *observation, d *plan.Decision) error {
	switch d.Step {
	case plan.Pin:
		err := r.pin(ctx, o.Run)
		o.stale = err == nil
		return err
	case plan.FindPlace:
		return r.findPlace(ctx, o, d.NeedsPlace)
	case plan.Claim:
		return r.numberOrDefer(ctx, o, d.Number)
	case plan.Act:
		o.Acted++
		return r.act(ctx, o, d)
	case plan.Tell:
		return r.notify(ctx, o, d)
	default:
		return r.store(ctx, o, d)
	}
}

// get returns the Run, or nil if there is none.
func (r *Reconciler) get(ctx context.Context, key types.NamespacedName) (*v1alpha1.Run, error) {
	var run v1alpha1.Run
	if err := r.Client.Get(ctx, key, &run); err != nil {
		return nil, client.IgnoreNotFound(fmt.Errorf("get run: %w", err))
	}
	return recent.Newer(&r.recent, r.Clock.Now(), &run), nil
}
