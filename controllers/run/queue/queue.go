// Package queue decides which Runs of a concurrency key may run at the same time. It is
// pure: a Run and the Runs beside it go in, the Run's place comes out. Whether a
// Run has a place is recorded in its status, so that nothing is lost with the
// process.
package queue

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// Place is where a Run stands among the Runs of its key.
type Place struct {
	// Key of the Run, and the group that it is of.
	Key, Group string
	// Admitted: the Run may run. Unless that is recorded already, it only holds if
	// all admissions of its key were known, and no other Run of the key is admitted
	// until it is recorded.
	Admitted bool
	// Released: the Run has given its place back, and has not got one again.
	Released bool
	// Skipped: the Run finds no place and doesn't wait for one.
	Skipped bool
	// Position among those that wait, from 1, as it is recorded. 0: it doesn't wait.
	Position int32
	// InTheWay are the Runs that have the places, or are to get them first: their
	// names, with the Pipeline of those that are of another.
	InTheWay []string
	// Deleted are the Runs of Candidate.Deleted that are in the way besides.
	Deleted []string
	// ReplacedBy is the newer Run that this one has to end for.
	ReplacedBy string
	// RestsOn are the Runs whose being there makes the Run end, skipped or replaced,
	// which can't be taken back.
	RestsOn []string
}

// Candidate is a Run whose place is asked for.
type Candidate struct {
	// Run that has not ended.
	Run *v1alpha1.Run
	// Lock that it competes for.
	Lock Lock
	// Limit and Policy of the Run's revision.
	Limit  int
	Policy v1alpha1.ConcurrencyPolicy
	// Idle: the Run has given its place back, and has nothing to run yet.
	Idle bool
	// Deleted are the names of Runs of the lock that are gone while something of them
	// may still run: each has a place until that has ended.
	Deleted []string
}

// Decide returns the Run's place. runs are those that its lock concerns; it may
// be among them. locks are those of the Runs that Unrecorded names, by name; one
// that isn't there is taken for a Run of another lock.
func Decide(c Candidate, runs []v1alpha1.Run, locks map[string]Lock) Place {
	place := Place{Key: c.Lock.Key, Group: c.Lock.Group}
	if recorded := c.Run.Status.Concurrency; recorded != nil {
		place.Admitted, place.ReplacedBy, place.Released = recorded.Admitted, recorded.ReplacedBy, recorded.Released
	}
	s := sort(c, runs, locks)
	s.deleted = len(c.Deleted)
	if c.Policy == v1alpha1.ConcurrencyReplace && place.ReplacedBy == "" && len(s.newer) >= c.Limit {
		place.ReplacedBy = s.newer[len(s.newer)-1].Name
		place.RestsOn = namesOf(s.newer[len(s.newer)-c.Limit:])
	}
	switch {
	case place.Admitted, c.Idle, place.ReplacedBy != "" && !place.Released:
	case len(c.Deleted)+len(s.admitted)+len(s.ahead) < c.Limit:
		place.Admitted, place.Released = true, false
	case c.Policy == v1alpha1.ConcurrencySkip && !place.Released:
		place.Skipped, place.InTheWay, place.Deleted = true, c.tell(s.inTheWay(c.Limit)), c.Deleted
		place.RestsOn = namesOf(s.inTheWay(c.Limit))
	default:
		place.Position, place.InTheWay, place.Deleted = rounded(len(s.ahead)+1), c.tell(s.inTheWay(c.Limit)), c.Deleted
	}
	return place
}

// siblings are the other Runs of a Run's key that have not ended, in their
// order.
type siblings struct {
	// admitted have a place; those ahead wait and are older than the Run.
	admitted, ahead []*v1alpha1.Run
	// newer than the Run and not about to end.
	newer []*v1alpha1.Run
	// deleted is how many have places though they are gone.
	deleted int
}

func sort(c Candidate, runs []v1alpha1.Run, locks map[string]Lock) siblings {
	var s siblings
	for i := range runs {
		other := &runs[i]
		if other.Name == c.Run.Name || other.Status.Phase.Finished() {
			continue
		}
		lock, known := LockOf(other)
		if !known {
			lock, known = locks[other.Name]
		}
		if known && lock == c.Lock {
			s.add(c.Run, other)
		}
	}
	for _, list := range [][]*v1alpha1.Run{s.admitted, s.ahead, s.newer} {
		slices.SortFunc(list, order.Compare)
	}
	return s
}

func (s *siblings) add(run, other *v1alpha1.Run) {
	recorded := other.Status.Concurrency
	switch {
	case recorded != nil && recorded.Admitted:
		// Until the very end: something of it may still run.
		s.admitted = append(s.admitted, other)
	case !leaving(other) && !Idle(other) && order.Compare(other, run) < 0:
		s.ahead = append(s.ahead, other)
	}
	if recorded != nil && !leaving(other) && order.Compare(run, other) < 0 {
		s.newer = append(s.newer, other)
	}
}

// inTheWay returns the Runs that fill the places.
func (s *siblings) inTheWay(limit int) []*v1alpha1.Run {
	inFront := slices.Concat(s.admitted, s.ahead)
	return inFront[:min(len(inFront), max(limit-s.deleted, len(s.admitted)))]
}

// tell returns what a message calls the Runs.
func (c *Candidate) tell(runs []*v1alpha1.Run) []string {
	var told []string
	for _, run := range runs {
		name := run.Name
		if run.Spec.Pipeline != c.Run.Spec.Pipeline {
			name += " of pipeline " + run.Spec.Pipeline
		}
		told = append(told, name)
	}
	return told
}

func namesOf(runs []*v1alpha1.Run) []string {
	var names []string
	for _, run := range runs {
		names = append(names, run.Name)
	}
	return names
}

// Keyless reports whether the Run may yet get a key: nothing was made of it. It is
// new, or waits for its Pipeline or the defaults of jobs.
func Keyless(run *v1alpha1.Run) bool {
	s := &run.Status
	return s.Concurrency == nil && s.Number == 0 && !s.Phase.Finished()
}

// Unrecorded returns the Runs before this one whose key is not recorded yet:
// their turn comes before it.
func Unrecorded(run *v1alpha1.Run, runs []v1alpha1.Run) []*v1alpha1.Run {
	var unrecorded []*v1alpha1.Run
	for i := range runs {
		other := &runs[i]
		if Keyless(other) && !leaving(other) && order.Compare(other, run) < 0 {
			unrecorded = append(unrecorded, other)
		}
	}
	return unrecorded
}

// Idle reports whether it is recorded that the Run has given its place back and
// doesn't want one yet.
func Idle(run *v1alpha1.Run) bool {
	c := run.Status.Concurrency
	return c != nil && c.Released && c.Position == 0
}

// leaving reports whether the Run, should it wait, will never run.
func leaving(run *v1alpha1.Run) bool {
	return run.Spec.Cancelled || run.DeletionTimestamp != nil
}

// exact positions are not rounded.
const exact = 10

// rounded keeps a queue of n Runs from costing n*n writes: each Run's position
// is written some ten times for each digit that it has.
func rounded(position int) int32 {
	step := 1
	for position > exact*step {
		step *= 10
	}
	return int32((position + step - 1) / step * step)
}

// Wake returns the Runs that have to look at their place again, now that one has
// come, been admitted or ended: those that run, which a newer one may replace,
// those at the front, which may be next, and those whose recorded position isn't
// right any more. It is not all of them: in a long queue most would look in vain.
func Wake(changed *v1alpha1.Run, runs []v1alpha1.Run) []*v1alpha1.Run {
	var wake, waiting []*v1alpha1.Run
	for i := range runs {
		run := &runs[i]
		recorded := run.Status.Concurrency
		switch {
		case run.Name == changed.Name, run.Status.Phase.Finished():
		case !compete(changed, run):
		case recorded == nil:
			// It may be looking by what was before.
			if Keyless(run) {
				wake = append(wake, run)
			}
		case recorded.Admitted, Idle(run):
			wake = append(wake, run)
		case !leaving(run):
			waiting = append(waiting, run)
		}
	}
	slices.SortFunc(waiting, order.Compare)
	position := map[Lock]int{}
	for _, run := range waiting {
		lock, _ := LockOf(run)
		position[lock]++
		if position[lock] <= exact || rounded(position[lock]) != run.Status.Concurrency.Position {
			wake = append(wake, run)
		}
	}
	return wake
}

// Waiting returns the Runs that wait for a place of the lock with this label, or
// may be looking for one by what was before: they have no key yet.
func Waiting(label string, runs []v1alpha1.Run) []*v1alpha1.Run {
	var waiting []*v1alpha1.Run
	for i := range runs {
		run := &runs[i]
		lock, bound := LockOf(run)
		if Keyless(run) || bound && !run.Status.Concurrency.Admitted && lock.Label() == label {
			waiting = append(waiting, run)
		}
	}
	return waiting
}

// compete reports whether the Run that has changed may have been in the way of
// one that waits.
func compete(changed, waiting *v1alpha1.Run) bool {
	if lock, known := LockOf(waiting); known {
		return lock.Concerns(changed)
	}
	lock, known := LockOf(changed)
	return !known || lock.Concerns(waiting)
}
