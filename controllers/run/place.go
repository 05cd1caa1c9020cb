package run

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// admitWithin bounds the time between deciding an admission and recording it. It
// is less than a leader that has lost its Lease goes on before
// another may lead, so that no two processes admit at a time.
const admitWithin = 4 * time.Second

// errNotItsTurn: another Run of the key is being admitted.
var errNotItsTurn = errors.New("another run is being admitted")

// verifications bounds how often what ends a Run is found to be otherwise than
// thought in one look at it.
const verifications = 3

// observePlace notes the place that the Run has as is recorded, and whether another
// is to be found out.
func (r *Reconciler) observePlace(ctx context.Context, o *observation) error {
	o.Place, o.PlaceOpen = o.heldPlace()
	return r.knowRelease(ctx, o)
}

// findPlace finds out where the Run stands among those of its lock. needs says that
// one which has given its place back is to go on. What can't be taken back, that the
// Run may start or has to end for another, is decided in the Run's turn, which lasts
// until it is recorded.
func (r *Reconciler) findPlace(ctx context.Context, o *observation, needs bool) error {
	held := o.Place
	released := held != nil && held.Released
	lock, err := r.ownLock(o)
	if err != nil {
		return err
	}
	c := o.Spec.Concurrency
	candidate := queue.Candidate{Run: o.Run, Lock: lock, Limit: int(cmp.Or(c.Limit, 1)), Policy: c.Policy, Idle: released && !needs}
	place, _, err := r.decidePlace(ctx, candidate, r.deleted)
	if err != nil {
		return err
	}
	if place.Skipped || place.ReplacedBy != "" || (place.Admitted && (held == nil || released)) {
		if place, err = r.takeTurn(ctx, o, candidate); err != nil {
			return err
		}
	}
	if o.Place, o.PlaceOpen = &place, false; !place.Skipped && !o.Admits() {
		o.leave() // There is nothing to record after all.
	}
	return nil
}

// knowRelease makes sure that the Run isn't taken for one that has a place when it
// has given that back: the cache may show it as it was before.
func (r *Reconciler) knowRelease(ctx context.Context, o *observation) error {
	if o.Place == nil || !o.MayRelease() {
		return nil
	}
	if err := r.ask(ctx, o.Run.Namespace); err != nil {
		return err
	}
	if known := r.neighbours.recall(o.Run); known != nil && newer(known, o.Run) {
		return errNotItsTurn
	}
	return nil
}

// takeTurn decides again in the Run's turn, with all that has been decided of the
// Run's lock before. What the cache doesn't show doesn't matter to an admission: it
// is one that this process has recorded or has asked for, and the cache follows the
// order of creation, so that with this Run it shows all that are older.
func (r *Reconciler) takeTurn(ctx context.Context, o *observation, c queue.Candidate) (queue.Place, error) {
	end, ok := r.neighbours.begin(turn{o.Run.Namespace, c.Lock})
	if !ok {
		return queue.Place{}, errNotItsTurn
	}
	o.turn = end
	if err := r.ask(ctx, o.Run.Namespace); err != nil {
		return queue.Place{}, err
	}
	o.until = time.Now().Add(admitWithin)
	ctx, cancel := context.WithDeadline(ctx, o.until)
	defer cancel()
	return r.surePlace(ctx, c)
}

// surePlace decides the Run's place. Those that it would have to end for are read
// from the API server first: the cache may show one that has ended meanwhile.
func (r *Reconciler) surePlace(ctx context.Context, c queue.Candidate) (queue.Place, error) {
	sure := map[string]bool{}
	for range verifications {
		place, runs, err := r.decidePlace(ctx, c, r.surelyDeleted)
		if err != nil {
			return queue.Place{}, err
		}
		doubt := slices.DeleteFunc(slices.Clone(place.RestsOn), func(name string) bool { return sure[name] })
		if len(doubt) == 0 {
			return place, nil
		}
		for i := range runs {
			if run := &runs[i]; slices.Contains(doubt, run.Name) {
				if _, err := r.learn(ctx, run); err != nil {
					return queue.Place{}, err
				}
				sure[run.Name] = true
			}
		}
	}
	return queue.Place{}, errNotItsTurn
}

// findDeleted returns the names of deleted Runs of the candidate's lock of which
// something may still run.
type findDeleted func(ctx context.Context, c queue.Candidate, runs []v1alpha1.Run) ([]string, error)

// decidePlace decides the Run's place from what is known of the others, which it
// returns.
func (r *Reconciler) decidePlace(ctx context.Context, c queue.Candidate, deleted findDeleted) (queue.Place, []v1alpha1.Run, error) {
	runs, err := r.beside(ctx, c.Run.Namespace, c.Lock)
	if err != nil {
		return queue.Place{}, nil, err
	}
	locks, err := r.locks(ctx, c.Run, queue.Unrecorded(c.Run, runs))
	if err != nil {
		return queue.Place{}, nil, err
	}
	if c.Deleted, err = deleted(ctx, c, runs); err != nil {
		return queue.Place{}, nil, err
	}
	return queue.Decide(c, runs, locks), runs, nil
}
