// Package queue decides which Runs of a Pipeline may run at the same time. It is
// pure: a Run and the Runs beside it go in, the Run's place comes out. Whether a
// Run has a place is recorded in its status, so that nothing is lost with the
// process.
package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// Place is where a Run stands among the Runs of its key.
type Place struct {
	// Key of the Run.
	Key string
	// Admitted: the Run may run. Unless that is recorded already, it only holds if
	// all admissions of its key were known, and no other Run of the key is admitted
	// until it is recorded.
	Admitted bool
	// Skipped: the Run finds no place and doesn't wait for one.
	Skipped bool
	// Position among those that wait, from 1, as it is recorded. 0: it doesn't wait.
	Position int32
	// InTheWay are the Runs that have the places, or are to get them first.
	InTheWay []string
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
	// Key of the Run, see Key.
	Key string
	// Limit and Policy of the Run's revision.
	Limit  int
	Policy v1alpha1.ConcurrencyPolicy
}

// Decide returns the Run's place. runs are those of its Pipeline; it may be
// among them. keys are the keys of those that Unrecorded names, by name; one
// that isn't there is taken for a Run of another key.
func Decide(c Candidate, runs []v1alpha1.Run, keys map[string]string) Place {
	place := Place{Key: c.Key}
	if recorded := c.Run.Status.Concurrency; recorded != nil {
		place.Admitted, place.ReplacedBy = recorded.Admitted, recorded.ReplacedBy
	}
	s := sort(c, runs, keys)
	if c.Policy == v1alpha1.ConcurrencyReplace && place.ReplacedBy == "" && len(s.newer) >= c.Limit {
		place.ReplacedBy = s.newer[len(s.newer)-1].Name
		place.RestsOn = names(s.newer[len(s.newer)-c.Limit:])
	}
	switch {
	case place.Admitted, place.ReplacedBy != "":
	case len(s.admitted)+len(s.ahead) < c.Limit:
		place.Admitted = true
	case c.Policy == v1alpha1.ConcurrencySkip:
		place.Skipped, place.InTheWay = true, s.inTheWay(c.Limit)
		place.RestsOn = place.InTheWay
	default:
		place.Position, place.InTheWay = rounded(len(s.ahead)+1), s.inTheWay(c.Limit)
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
}

func sort(c Candidate, runs []v1alpha1.Run, keys map[string]string) siblings {
	var s siblings
	for i := range runs {
		other := &runs[i]
		if other.Name == c.Run.Name || other.Status.Phase.Finished() {
			continue
		}
		recorded := other.Status.Concurrency
		key, known := keys[other.Name]
		if recorded != nil {
			key, known = recorded.Key, true
		}
		if !known || key != c.Key {
			continue
		}
		s.add(c.Run, other)
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
	case !leaving(other) && order.Compare(other, run) < 0:
		s.ahead = append(s.ahead, other)
	}
	if recorded != nil && !leaving(other) && order.Compare(run, other) < 0 {
		s.newer = append(s.newer, other)
	}
}

// inTheWay returns the names of the Runs that fill the places.
func (s *siblings) inTheWay(limit int) []string {
	inFront := slices.Concat(s.admitted, s.ahead)
	return names(inFront[:min(len(inFront), max(limit, len(s.admitted)))])
}

func names(runs []*v1alpha1.Run) []string {
	var names []string
	for _, run := range runs {
		names = append(names, run.Name)
	}
	return names
}

// Unrecorded returns the Runs before this one whose key is not recorded yet:
// they are as new as the Run itself, and their turn comes before it.
func Unrecorded(run *v1alpha1.Run, runs []v1alpha1.Run) []*v1alpha1.Run {
	var unrecorded []*v1alpha1.Run
	for i := range runs {
		other := &runs[i]
		if other.Status.Concurrency == nil && other.Status.Phase == "" && !leaving(other) && order.Compare(other, run) < 0 {
			unrecorded = append(unrecorded, other)
		}
	}
	return unrecorded
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

// maxKey bounds a recorded key: event data may be any length.
const maxKey = 253

// Key returns what is recorded of a key: all of it, or, of a long one, its
// beginning and a hash.
func Key(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	hash := "-" + hex.EncodeToString(sum[:])
	return strings.ToValidUTF8(key[:maxKey-len(hash)], "") + hash
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
		case run.Name == changed.Name, recorded == nil, run.Status.Phase.Finished():
		case changed.Status.Concurrency != nil && changed.Status.Concurrency.Key != recorded.Key:
		case recorded.Admitted:
			wake = append(wake, run)
		case !leaving(run):
			waiting = append(waiting, run)
		}
	}
	slices.SortFunc(waiting, order.Compare)
	position := map[string]int{}
	for _, run := range waiting {
		key := run.Status.Concurrency.Key
		position[key]++
		if position[key] <= exact || rounded(position[key]) != run.Status.Concurrency.Position {
			wake = append(wake, run)
		}
	}
	return wake
}
