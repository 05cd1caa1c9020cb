package run

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
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

// findPlace finds out where the Run stands among those of its concurrency key.
// What can't be taken back is recorded before anything is done for it: that the
// Run may start, and that it has to end for another.
func (r *Reconciler) findPlace(ctx context.Context, o *observation) error {
	held, open := o.heldPlace()
	o.Place = held
	if err := r.knowRelease(ctx, o); err != nil || !open {
		return err
	}
	released := held != nil && held.Released
	idle := released && !plan.Decide(&o.Facts).NeedsPlace
	c := o.Spec.Concurrency
	if idle && (c.Policy != v1alpha1.ConcurrencyReplace || held.ReplacedBy != "") {
		return nil
	}
	lock, err := r.ownLock(o)
	if err != nil {
		return err
	}
	candidate := queue.Candidate{Run: o.Run, Lock: lock, Limit: int(cmp.Or(c.Limit, 1)), Policy: c.Policy, Idle: idle}
	place, _, err := r.decidePlace(ctx, candidate, r.deleted)
	if err != nil {
		return err
	}
	if place.Skipped || place.ReplacedBy != "" || (place.Admitted && (held == nil || released)) {
		return r.admit(ctx, o, candidate)
	}
	o.Place = &place
	return nil
}

// heldPlace returns the place that the Run has, if it has one, and whether there
// is something to decide.
func (o *observation) heldPlace() (held *queue.Place, open bool) {
	c, recorded := o.Spec.Concurrency, o.Run.Status.Concurrency
	switch {
	case c == nil || o.Run.Status.Phase.Finished():
		return nil, false
	case recorded == nil:
		return nil, o.Number == 0 && !o.Run.Spec.Cancelled
	case recorded.Admitted:
		held = &queue.Place{Key: recorded.Key, Group: recorded.Group, Admitted: true, ReplacedBy: recorded.ReplacedBy}
		return held, c.Policy == v1alpha1.ConcurrencyReplace && recorded.ReplacedBy == ""
	case recorded.Released:
		// Also one that was cancelled: its finally jobs need a place.
		return &queue.Place{Key: recorded.Key, Group: recorded.Group, Released: true, ReplacedBy: recorded.ReplacedBy}, true
	default:
		return nil, !o.Run.Spec.Cancelled
	}
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

// admit decides again, with all that has been decided of the Run's key before,
// and records an admission, or what the Run makes way for. What the cache doesn't
// show matters to neither: an admission is one that this process has recorded or
// has asked for, and the cache follows the order of creation, so that with this
// Run it shows all that are older.
func (r *Reconciler) admit(ctx context.Context, o *observation, c queue.Candidate) error {
	end, ok := r.neighbours.begin(turn{o.Run.Namespace, c.Lock})
	if !ok {
		return errNotItsTurn
	}
	defer end()
	if err := r.ask(ctx, o.Run.Namespace); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	place, err := r.surePlace(ctx, c)
	if err != nil {
		return err
	}
	o.Place = &place
	if !place.Admitted && place.ReplacedBy == "" {
		return nil
	}
	if err := r.recordPlace(ctx, o); err != nil {
		return err
	}
	r.neighbours.put(o.Run)
	return nil
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

// recordPlace records what the Run's place makes of the Run. One that ends
// without having started leaves nothing to do but that. Nobody is told yet: the
// Run may come to its next phase at once.
func (r *Reconciler) recordPlace(ctx context.Context, o *observation) error {
	decision := plan.Decide(&o.Facts)
	if decision.Status.Phase.Finished() {
		return nil
	}
	decision.Status.Notifiers = o.Run.Status.Notifiers
	return r.record(ctx, o.Run, &decision.Status)
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
