package run

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// observation is what is known about a Run, and what its Jobs are made of.
type observation struct {
	plan.Facts
	// confirmed: the Run's names are what was recorded last.
	confirmed bool
	// unseen: a Job is known from the memory of having made it, and not seen.
	unseen bool
	// stale: the Run is to be observed anew. adopted: once it is recorded, because the
	// pods of a notifier's Job that was found are not known.
	stale, adopted bool
	// turn ends the Run's turn to be admitted, and until bounds that. nil: it has
	// none.
	turn  func()
	until time.Time
}

// note takes an error for what it says of the Run: that it can't go on, or not yet.
// Any other is the world's, and is returned.
func (o *observation) note(err error) error {
	if o.Run.Status.Phase.Finished() {
		return err
	}
	switch f, w := fault.Of(err); {
	case w != nil:
		o.Delay = &plan.Delay{Why: evidence.Why{Reason: w.Reason, Message: w.Message}, After: w.After}
	case f != nil:
		o.Fault = &evidence.Why{Reason: f.Reason, Message: f.Message}
	default:
		return err
	}
	return nil
}

// goesOnWithout reports whether what was done is recorded although this step could
// not be taken as a whole, and sees to it that it isn't tried again in this look. No
// phase is recorded before its notifiers were tried: once the Run has come further,
// nobody would be told of it.
func (o *observation) goesOnWithout(step plan.Step) bool {
	attempt := step == plan.Claim || step == plan.Act
	o.Spent = o.Spent || attempt
	return attempt
}

// leave ends the Run's turn to be admitted, if it has one.
func (o *observation) leave() {
	if o.turn != nil {
		o.turn()
		o.turn = nil
	}
}

func (o *observation) started() bool {
	return len(o.Jobs) > 0
}

// lookAgain returns when to look again at the latest. What was remembered and is
// not there any more gives no sign, and nor does what is still to be done.
func (o *observation) lookAgain(d *plan.Decision) time.Duration {
	after := d.RequeueAfter
	most := func(limit time.Duration) {
		if after == 0 || after > limit {
			after = limit
		}
	}
	if o.unseen {
		most(recent.Remembered)
	}
	if d.Acts() {
		most(anotherRound)
	}
	return after
}

// jobName returns the name of the Job of a job or service: the one that is
// recorded, which stays.
func (o *observation) jobName(name string) string {
	recorded, _ := o.recordedJob(name)
	return cmp.Or(recorded, job.JobName(o.Run, name))
}

// recordedJob returns the name of the Job that a job or service has made, blank for
// none, and whether its end is recorded, too.
func (o *observation) recordedJob(name string) (made string, ended bool) {
	if s := first(o.Run.Status.Jobs, func(s *v1alpha1.JobStatus) bool { return s.Name == name }); s != nil && s.ReusedFrom == "" {
		return s.Job, s.Phase.Finished()
	}
	if s := first(o.Run.Status.Services, func(s *v1alpha1.ServiceStatus) bool { return s.Name == name }); s != nil {
		return s.Job, s.Phase.Finished()
	}
	return "", false
}

// conflict notes that somebody else's Job has the name. One of a Run of the same
// name that was deleted is about to go.
func (o *observation) conflict(name string, found *batchv1.Job) {
	if o.predecessors(found) {
		o.Deferred[name] = plan.Refusal{
			Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf("Job %s of an earlier Run of this name is still being deleted", found.Name),
		}
		return
	}
	o.Refused[name] = plan.Refusal{
		Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf("a Job named %s exists and isn't this Run's; name the Run otherwise", found.Name),
	}
}

// number returns the Run's number, 0 for none. The Jobs know it when the
// controller was killed before it could record it.
func number(o *observation) int64 {
	if n := o.Run.Status.Number; n > 0 {
		return n
	}
	for _, found := range o.Jobs {
		if n := numberOf(found); n > 0 {
			return n
		}
	}
	return 0
}

// numberOf returns the number of the Run that the Job was made for, 0 for none.
func numberOf(made *batchv1.Job) int64 {
	n, err := strconv.ParseInt(made.Annotations[job.NumberAnnotation], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
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

// predecessors reports whether the object is about to go: it is being deleted,
// or belongs to a Run of the same name that was.
func (o *observation) predecessors(found client.Object) bool {
	owner := metav1.GetControllerOf(found)
	return !found.GetDeletionTimestamp().IsZero() ||
		(owner != nil && owner.Kind == v1alpha1.RunKind && owner.Name == o.Run.Name && owner.UID != o.Run.UID)
}

// renamed reports whether that part of the Run has another name than its own.
func (o *observation) renamed(part string) bool { return slices.Contains(o.Run.Status.Renamed, part) }

func (o *observation) jobSpec(name string) *v1alpha1.Job {
	return first(o.Spec.Jobs, func(j *v1alpha1.Job) bool { return j.Name == name })
}

func (o *observation) serviceSpec(name string) *v1alpha1.Service {
	return first(o.Spec.Services, func(s *v1alpha1.Service) bool { return s.Name == name })
}

func (o *observation) notifier(name string) *v1alpha1.Notifier {
	return first(o.Spec.Notifiers, func(n *v1alpha1.Notifier) bool { return n.Name == name })
}

// first returns the first of the list that is meant, or nil.
func first[T any](list []T, meant func(*T) bool) *T {
	for i := range list {
		if meant(&list[i]) {
			return &list[i]
		}
	}
	return nil
}

// deferAll notes that no Job can be created now, and why.
func (o *observation) deferAll(jobs []string, why plan.Refusal) {
	for _, name := range jobs {
		o.Deferred[name] = why
	}
}
