package plan

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// awaitsPlace is the message of a job whose Run has no place.
const awaitsPlace = "the Run waits for others of its concurrency key"

// lookInQueue is how often a Run that waits looks at its place without being
// told that something has changed: normally it is told.
const lookInQueue = 5 * time.Minute

// line says what a queued Run waits for. While its position is the same, what it
// said first stays, but that of deleted Runs.
func (f *Facts) line() string {
	recorded := f.Run.Status.Concurrency
	said := meta.FindStatusCondition(f.Run.Status.Conditions, v1alpha1.SucceededCondition)
	if !f.Place.Released && recorded != nil && recorded.Position == f.Place.Position && said != nil && said.Reason == v1alpha1.ReasonQueued &&
		strings.Contains(said.Message, ofDeleted) == (len(f.Place.Deleted) > 0) {
		return said.Message
	}
	return fmt.Sprintf("position %d of %s; waits for %s", f.Place.Position, lock(f.Place), inTheWay(f.Place))
}

// ofDeleted precedes the name of a Run that has a place although it is gone.
const ofDeleted = "the pods of deleted run "

func inTheWay(p *queue.Place) string {
	var all []string
	for _, name := range p.Deleted {
		all = append(all, ofDeleted+name)
	}
	return names(append(all, p.InTheWay...))
}

// concurrency is what the status says of the Run's place.
func (f *Facts) concurrency(finished bool) *v1alpha1.ConcurrencyStatus {
	s := f.Run.Status.Concurrency.DeepCopy()
	if p := f.Place; p != nil {
		s = &v1alpha1.ConcurrencyStatus{Key: p.Key, Group: p.Group, Admitted: p.Admitted, Released: p.Released, Position: p.Position, ReplacedBy: p.ReplacedBy}
	}
	if s != nil && finished {
		s.Position = 0
	}
	return s
}

// lock is what a message calls that for which Runs compete.
func lock(p *queue.Place) string {
	switch {
	case p.Group == "":
		return "key " + quoted(p.Key)
	case p.Key == "":
		return "group " + p.Group
	default:
		return "key " + quoted(p.Key) + " of group " + p.Group
	}
}

// quoted is a key as a message shows it: it may be an event's data.
func quoted(key string) string {
	return fmt.Sprintf("%q", printable.Cut(key, maxSummary))
}
