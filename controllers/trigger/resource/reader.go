package resource

import (
	"maps"
	"math/big"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// maxOld is how many objects are kept for a Trigger as they were before.
	maxOld = 100
	// maxGone is how many deletions may wait for their Runs: nothing else shows them.
	maxGone = 100
)

// change is what has become of an object since it was last seen to.
type change struct {
	event v1alpha1.ResourceEvent
	// object as it is now or was last, and old as it was before. old is nil where that
	// isn't known.
	object, old metav1.Object
	// first is the resource version since which it waits.
	first string
}

// mark is the resource version up to which all was seen to, and when that was noted: what
// is later and was created after that time has been added since.
type mark struct {
	version string
	at      time.Time
}

// reader is a Trigger, and what has become of its objects since its mark. It keeps one
// change of each object that there is, and a bounded number of others.
type reader struct {
	wish
	mark mark
	// top is the newest version that was seen to: the mark stays before what waits.
	top string
	// noted is the time of the mark that the status tells.
	noted time.Time
	// seeded says that what had changed before the watch began is among the changes.
	seeded  bool
	changes map[types.UID]change
	gone    map[types.UID]change
	// olds counts the changes with an old object, and lost the deletions that found no room.
	olds, lost int
	// unsaved says that the status has to tell the mark.
	unsaved bool
	pace    pace
}

// pace is what bounds how often something is done for a Trigger: when a Run was last
// started, when one last was or couldn't be, and when changes were last evaluated.
type pace struct {
	started, turn, looked time.Time
}

// outcome is what a change has come to.
type outcome int

const (
	// ignored: it starts no Run.
	ignored outcome = iota
	// refused: it should, and somebody has to put something right.
	refused
	// started: it has.
	started
)

// pause is how long nothing may be started and nothing be evaluated. A clock that was set
// back keeps nothing waiting.
func (p *pace) pause(interval time.Duration, now time.Time) time.Duration {
	var left time.Duration
	if !p.turn.After(now) {
		left = p.turn.Add(interval).Sub(now)
	}
	if !p.looked.After(now) {
		left = max(left, p.looked.Add(gap).Sub(now))
	}
	return max(left, 0)
}

// note takes down what a change has come to.
func (p *pace) note(what outcome, now time.Time) {
	p.looked = now
	if what != ignored {
		p.turn = now
	}
	if what == started {
		p.started = now
	}
}

func newReader(req request) *reader {
	return &reader{wish: req.wish, mark: req.mark, top: req.mark.version, noted: req.mark.at, pace: pace{started: req.started, turn: req.started}, changes: map[types.UID]change{}, gone: map[types.UID]change{}}
}

// rewish takes another wish for the same objects. What was ignored so far is not what
// the Trigger is about from now on.
func (r *reader) rewish(w wish) {
	if w.generation == r.generation {
		return
	}
	if w.uses.Whole && !r.uses.Whole {
		r.seeded = false
	}
	r.wish, r.unsaved = w, true
	for uid, c := range r.changes {
		if !r.wants(c.event) {
			r.forget(uid)
		}
	}
	maps.DeleteFunc(r.gone, func(types.UID, change) bool { return !r.wants(v1alpha1.ResourceDeleted) })
}

// seed adds what has changed since the mark, of all objects that there are. Without a
// mark nothing has: what is there is where the Trigger begins.
func (r *reader) seed(objects []metav1.Object, version string, now time.Time) {
	r.seeded = true
	if r.mark.version == "" {
		r.mark, r.top, r.unsaved = mark{version, now}, version, true
		return
	}
	for _, object := range objects {
		if known, waits := r.changes[object.GetUID()]; waits {
			r.forget(object.GetUID())
			r.changes[object.GetUID()] = change{event: known.event, object: object, old: r.keep(known.old), first: known.first}
			continue
		}
		event := v1alpha1.ResourceUpdated
		if object.GetCreationTimestamp().After(r.mark.at) {
			event = v1alpha1.ResourceAdded
		}
		if after(object.GetResourceVersion(), r.mark.version) && r.counts(object) && r.wants(event) {
			r.changes[object.GetUID()] = change{event: event, object: object, first: object.GetResourceVersion()}
		}
	}
}

// keep returns an old object if there is room for it, and it is as much as is needed of it.
func (r *reader) keep(old metav1.Object) metav1.Object {
	_, slim := old.(*metav1.PartialObjectMetadata)
	if old == nil || !r.uses.Old || r.uses.Whole && slim || r.olds == maxOld {
		return nil
	}
	r.olds++
	return old
}

// hear takes what has become of an object, and reports whether the Trigger has to look
// at it. The old object is that of an update.
func (r *reader) hear(event v1alpha1.ResourceEvent, object, old metav1.Object, now time.Time) bool {
	switch {
	case r.mark.version == "":
		return false
	case event == v1alpha1.ResourceDeleted:
		return r.hearGone(object)
	case !r.counts(object):
		// It did, perhaps.
		r.forget(object.GetUID())
		return false
	}
	known, waits := r.changes[object.GetUID()]
	switch {
	case waits:
		// The Trigger looks at it already.
		known.object = object
		r.changes[object.GetUID()] = known
		return false
	case !r.wants(event):
		if r.seeded {
			r.advance(object.GetResourceVersion(), now)
		}
		return false
	}
	r.changes[object.GetUID()] = change{event: event, object: object, old: r.keep(old), first: object.GetResourceVersion()}
	if event == v1alpha1.ResourceAdded && !object.GetCreationTimestamp().After(r.noted) {
		// A restart would take it for changed.
		r.date(r.mark.at)
		r.unsaved = true
	}
	if !after(object.GetResourceVersion(), r.mark.version) {
		// A list tells of objects in another order than they have changed in.
		r.mark.version, r.unsaved = before(object.GetResourceVersion()), true
	}
	return true
}

func (r *reader) hearGone(object metav1.Object) bool {
	r.forget(object.GetUID())
	switch {
	case !r.wants(v1alpha1.ResourceDeleted) || !r.counts(object):
		return false
	case len(r.gone) == maxGone:
		r.lost++
	default:
		r.gone[object.GetUID()] = change{event: v1alpha1.ResourceDeleted, object: object, first: object.GetResourceVersion()}
	}
	return true
}

// forget drops what waits of an object.
func (r *reader) forget(uid types.UID) {
	if r.changes[uid].old != nil {
		r.olds--
	}
	delete(r.changes, uid)
}

// pending are the changes that wait, the longest first: an object that changes all the
// time has its turn as the others have.
func (r *reader) pending() []change {
	waiting := make([]change, 0, len(r.changes)+len(r.gone))
	for _, c := range r.changes {
		waiting = append(waiting, c)
	}
	for _, c := range r.gone {
		waiting = append(waiting, c)
	}
	slices.SortFunc(waiting, func(a, b change) int {
		order, err := resourceversion.CompareResourceVersion(a.first, b.first)
		if err != nil {
			return 0
		}
		return order
	})
	return waiting
}

// settle takes a change for seen to. What has become of the object since then waits on,
// as a change of what was seen to.
func (r *reader) settle(done change, now time.Time) {
	uid := done.object.GetUID()
	if done.event == v1alpha1.ResourceDeleted {
		delete(r.gone, uid)
	} else if waiting, still := r.changes[uid]; still {
		r.forget(uid)
		if waiting.object.GetResourceVersion() != done.object.GetResourceVersion() {
			r.hear(v1alpha1.ResourceUpdated, waiting.object, done.object, now)
		}
	}
	r.advance(done.object.GetResourceVersion(), now)
}

// advance takes what there was up to a version for seen to, and moves the mark, as far as
// no object waits that has changed before.
func (r *reader) advance(version string, now time.Time) {
	if after(version, r.top) {
		r.top = version
	}
	to := r.top
	for _, c := range r.changes {
		if waits := c.object.GetResourceVersion(); !after(waits, to) {
			to = before(waits)
		}
	}
	if after(to, r.mark.version) {
		r.mark.version = to
		r.date(now)
	}
}

// date sets the time of the mark, which is before that of any new object that waits.
func (r *reader) date(at time.Time) {
	for _, c := range r.changes {
		if created := c.object.GetCreationTimestamp(); c.event == v1alpha1.ResourceAdded && !created.After(at) {
			at = created.Add(-time.Second)
		}
	}
	r.mark.at = at
}

func (r *reader) wants(event v1alpha1.ResourceEvent) bool { return slices.Contains(r.events, event) }

// after reports whether a resource version is later than another of the same kind.
func after(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order > 0
}

// before is the resource version right before another.
func before(version string) string {
	number, ok := new(big.Int).SetString(version, 10)
	if !ok {
		return version
	}
	return number.Sub(number, big.NewInt(1)).String()
}
