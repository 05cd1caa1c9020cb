package run

import (
	"context"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// neighbours are Runs that compete for places as this process knows them, where
// that may be newer than what the cache shows: those that there were when it
// first asked, and what it has recorded since. Only one process leads, so with
// the cache this is all that has ever been decided. It saves a list for each
// admission: a new process asks once for each namespace.
type neighbours struct {
	mu sync.Mutex
	// asked and known are by namespace.
	asked map[string]bool
	known map[string]map[types.UID]*v1alpha1.Run
	// turns are the locks of which a Run is being admitted.
	turns map[turn]bool
	// holders are the names of the Runs that have places and that this process
	// doesn't know to have ended, or to have left nothing; busy are the Runs that its workers are at.
	holders map[turn]map[types.UID]string
	busy    map[types.NamespacedName]bool
}

// turn is what only one Run can have at a time: that of its lock, or, without
// one, of its namespace to be asked about.
type turn struct {
	namespace string
	lock      queue.Lock
}

// begin takes the turn and returns what ends it. It doesn't wait: whoever waits
// here would keep a worker from other Runs.
func (n *neighbours) begin(t turn) (end func(), ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.turns[t] {
		return nil, false
	}
	if n.turns == nil {
		n.turns = map[turn]bool{}
	}
	n.turns[t] = true
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.turns, t)
	}, true
}

// put remembers the Run, or what matters of it to others, as the API server has
// answered it.
func (n *neighbours) put(run *v1alpha1.Run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keep(run)
	n.hold(run)
}

func (n *neighbours) keep(run *v1alpha1.Run) {
	of := run.Namespace
	if n.known == nil {
		n.known = map[string]map[types.UID]*v1alpha1.Run{}
	}
	if n.known[of] == nil {
		n.known[of] = map[types.UID]*v1alpha1.Run{}
	}
	lean := *run
	s := &run.Status
	lean.ManagedFields = nil
	if s.Concurrency != nil {
		lean.Spec = v1alpha1.RunSpec{Pipeline: run.Spec.Pipeline, Cancelled: run.Spec.Cancelled}
	}
	lean.Status = v1alpha1.RunStatus{Phase: s.Phase, CreatedVersion: s.CreatedVersion, CompletionTime: s.CompletionTime, Concurrency: s.Concurrency}
	n.known[of][run.UID] = lean.DeepCopy()
}

// forget drops a Run that the cache shows as it is, that has ended, or that is
// gone. Of one that has ended the cache shows at worst that it has a place, or
// waits for one, for a moment longer.
func (n *neighbours) forget(run *v1alpha1.Run) {
	n.mu.Lock()
	defer n.mu.Unlock()
	of := run.Namespace
	delete(n.known[of], run.UID)
	if len(n.known[of]) == 0 {
		delete(n.known, of)
	}
}

// remembered returns what is known of the Runs that the lock concerns.
func (n *neighbours) remembered(namespace string, lock queue.Lock) []*v1alpha1.Run {
	n.mu.Lock()
	defer n.mu.Unlock()
	var runs []*v1alpha1.Run
	for _, run := range n.known[namespace] {
		if lock.Concerns(run) {
			runs = append(runs, run)
		}
	}
	return runs
}

// recall returns what is known of the Run beside the cache, nil for nothing.
func (n *neighbours) recall(run *v1alpha1.Run) *v1alpha1.Run {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[run.Namespace][run.UID]
}

// hasAsked reports whether this process has asked about the namespace.
func (n *neighbours) hasAsked(namespace string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[namespace]
}

// ask learns of all Runs of the namespace that have not ended and may be in
// another's way from the API server, unless this process has done so. What was
// admitted before it led is among them, whatever its cache shows.
func (r *Reconciler) ask(ctx context.Context, namespace string) error {
	n := &r.neighbours
	end, ok := n.begin(turn{namespace: namespace})
	if !ok {
		return errNotItsTurn
	}
	defer end()
	if n.hasAsked(namespace) {
		return nil
	}
	var runs v1alpha1.RunList
	if err := r.APIReader.List(ctx, &runs, activeRuns(namespace)...); err != nil {
		return fmt.Errorf("list active runs of namespace %s: %w", namespace, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range runs.Items {
		if concerned(&runs.Items[i]) {
			n.keep(&runs.Items[i])
			n.hold(&runs.Items[i])
		}
	}
	if n.asked == nil {
		n.asked = map[string]bool{}
	}
	n.asked[namespace] = true
	return nil
}

// beside returns the Runs that have not ended and that the lock concerns: as the
// cache shows them, or newer.
func (r *Reconciler) beside(ctx context.Context, namespace string, lock queue.Lock) ([]v1alpha1.Run, error) {
	var list v1alpha1.RunList
	if err := r.Client.List(ctx, &list, activeRuns(namespace, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("list active runs of namespace %s: %w", namespace, err)
	}
	// Not by label: one that was made by hand has none at first.
	runs := slices.DeleteFunc(list.Items, func(run v1alpha1.Run) bool { return !lock.Concerns(&run) })
	for _, known := range r.neighbours.remembered(namespace, lock) {
		i := slices.IndexFunc(runs, func(run v1alpha1.Run) bool { return run.UID == known.UID })
		switch {
		case i >= 0 && !newer(known, &runs[i]), i < 0 && known.Status.Phase.Finished():
			r.neighbours.forget(known)
		case i >= 0:
			runs[i] = *known
		default:
			found, err := r.unlisted(ctx, known)
			if err != nil {
				return nil, err
			}
			if found != nil {
				runs = append(runs, *found)
			}
		}
	}
	return runs, nil
}

// unlisted returns the Run that the cache doesn't have among those that have not
// ended: it hasn't heard of it yet. If it has, or the Run is gone, that is nil.
func (r *Reconciler) unlisted(ctx context.Context, known *v1alpha1.Run) (*v1alpha1.Run, error) {
	var cached v1alpha1.Run
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(known), &cached)
	switch {
	case err == nil && cached.UID == known.UID && !newer(known, &cached):
		r.neighbours.forget(known)
		return nil, nil //nolint:nilnil // A Run that has ended is a usual answer and no error.
	case client.IgnoreNotFound(err) != nil:
		return nil, fmt.Errorf("get run %s: %w", known.Name, err)
	}
	return r.learn(ctx, known)
}

// learn reads from the API server what has become of the Run, nil if it is gone.
func (r *Reconciler) learn(ctx context.Context, known *v1alpha1.Run) (*v1alpha1.Run, error) {
	var found v1alpha1.Run
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(known), &found)
	switch {
	case apierrors.IsNotFound(err), err == nil && found.UID != known.UID:
		r.neighbours.forget(known)
		return nil, nil //nolint:nilnil // A Run that is gone is a usual answer and no error.
	case err != nil:
		return nil, fmt.Errorf("get run %s: %w", known.Name, err)
	}
	r.neighbours.put(&found)
	return &found, nil
}

// newer reports whether a Run is of a later version than another reading of it.
// Versions that can't be compared are taken for newer: they come from elsewhere
// than the cache.
func newer(known, cached *v1alpha1.Run) bool {
	order, err := resourceversion.CompareResourceVersion(known.ResourceVersion, cached.ResourceVersion)
	return (err != nil && known.ResourceVersion != cached.ResourceVersion) || order > 0
}
