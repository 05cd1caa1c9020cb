package resource

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/v1alpha1"
)

// place is what Triggers have in common that share a watch.
type place struct {
	namespace string
	kind      schema.GroupVersionKind
	resource  string
}

// informer shows the objects of a place as they are.
type informer interface {
	// run watches until the context ends.
	run(ctx context.Context)
	// objects are those that there are, and a resource version that none of them is
	// later than. Blank: the first list has yet to come.
	objects() ([]metav1.Object, string)
}

// listener is told what an informer hears.
type listener interface {
	// listed: the informer shows the objects from now on.
	listed()
	// changed tells what has become of an object; the old one is that of an update.
	changed(event v1alpha1.ResourceEvent, object, old metav1.Object)
	// failed tells why there is no watch. nil: there is one.
	failed(err error)
}

// watches are the watches of all places that Triggers ask for: one of each, which ends
// with its last Trigger, and keeps no more of the objects than they need.
type watches struct {
	// inform makes an informer that keeps the objects whole, or their metadata alone.
	inform func(at place, whole bool, to listener) informer
	clock  clock.PassiveClock
	// wake has a Trigger reconciled.
	wake func(types.NamespacedName)

	mu    sync.Mutex
	known map[place]*watched
	of    map[types.NamespacedName]place
	// stopped: the process is ending, and nothing more begins.
	stopped bool
	running sync.WaitGroup
}

// watched is a place that is watched.
type watched struct {
	readers map[types.NamespacedName]*reader
	// current is what the readers see, and next what takes its place once it shows the
	// objects. nil: nothing.
	current, next *watch
	err           error
}

// watch is an informer that runs.
type watch struct {
	informer
	whole  bool
	cancel context.CancelFunc
}

// request is what a Trigger asks for, and what its status says.
type request struct {
	name types.NamespacedName
	at   place
	wish wish
	mark mark
	// started is when its last Run was.
	started time.Time
}

// view is what is to be seen. Not ready and without err: nothing yet, and the Trigger is
// woken when there is.
type view struct {
	ready bool
	err   error
	// changes wait, in the order that they came in.
	changes []change
	// lost is how many deletions found no room since the last look.
	lost int
	// mark is that of the Trigger now; unsaved says that the status has to tell it.
	mark    mark
	unsaved bool
	pace    pace
}

// place returns what a Trigger that wants the same sees already.
func (w *watches) place(name types.NamespacedName, asked *wish) (place, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.reader(name)
	return w.of[name], r != nil && r.same(asked)
}

// see returns what waits for a Trigger.
func (w *watches) see(ctx context.Context, req request) view {
	w.mu.Lock()
	defer w.mu.Unlock()
	if was, ok := w.of[req.name]; ok && was != req.at {
		w.drop(ctx, req.name)
	}
	known, r := w.join(req)
	w.arrange(ctx, req.at, known)
	if known.current == nil || r.uses.Whole && !known.current.whole {
		return view{err: known.err}
	}
	if !r.seeded {
		objects, version := known.current.objects()
		if _, err := resourceversion.CompareResourceVersion(version, version); err != nil {
			return view{err: errOrder}
		}
		r.seed(objects, version, w.clock.Now())
	}
	// Of what was created before, all was heard, or is told apart when it is.
	r.date(w.clock.Now())
	found := view{ready: true, err: known.err, changes: r.pending(), lost: r.lost, mark: r.mark, unsaved: r.unsaved, pace: r.pace}
	r.lost = 0
	return found
}

// errOrder is of an API server that isn't Kubernetes' own.
var errOrder = errors.New("the API server of this kind gives its objects resource versions that can't be put in order")

func (w *watches) join(req request) (*watched, *reader) {
	if w.known == nil {
		w.known, w.of = map[place]*watched{}, map[types.NamespacedName]place{}
	}
	known := w.known[req.at]
	if known == nil {
		known = &watched{readers: map[types.NamespacedName]*reader{}}
		w.known[req.at] = known
	}
	r := known.readers[req.name]
	if r == nil || !r.same(&req.wish) {
		r = newReader(req)
		known.readers[req.name] = r
	}
	r.rewish(req.wish)
	w.of[req.name] = req.at
	return known, r
}

// arrange has what is kept of a place's objects be what its readers need.
func (w *watches) arrange(ctx context.Context, at place, known *watched) {
	whole := false
	for _, r := range known.readers {
		whole = whole || r.uses.Whole
	}
	fits := known.current != nil && known.current.whole == whole
	if known.next != nil && (fits || known.next.whole != whole) {
		known.next.cancel()
		known.next = nil
	}
	if known.next == nil && !fits {
		known.next = w.begin(ctx, at, whole)
	}
}

func (w *watches) begin(ctx context.Context, at place, whole bool) *watch {
	if w.stopped {
		return nil
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	begun := &watch{whole: whole, cancel: cancel}
	begun.informer = w.inform(at, whole, &hearing{watches: w, at: at, watch: begun})
	w.running.Go(func() { begun.run(ctx) })
	return begun
}

// settle takes a change of a Trigger's for seen to.
func (w *watches) settle(name types.NamespacedName, done change, what outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.reader(name)
	if r == nil {
		return
	}
	now := w.clock.Now()
	r.settle(done, now)
	r.pace.note(what, now)
	r.unsaved = r.unsaved || what != ignored
}

// left reports whether anything waits for a Trigger that has seen its objects, and what
// its status has to tell.
func (w *watches) left(name types.NamespacedName) view {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.reader(name)
	if r == nil || r.mark.version == "" {
		return view{}
	}
	return view{ready: true, err: w.known[w.of[name]].err, changes: r.pending(), mark: r.mark, unsaved: r.unsaved, pace: r.pace}
}

// saved notes what mark the status tells, and which one was looked at for that.
func (w *watches) saved(name types.NamespacedName, told, seen mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.reader(name); r != nil {
		r.noted = told.at
		r.unsaved = r.unsaved && r.mark != seen
	}
}

func (w *watches) reader(name types.NamespacedName) *reader {
	at, ok := w.of[name]
	if !ok {
		return nil
	}
	return w.known[at].readers[name]
}

// forget drops a Trigger.
func (w *watches) forget(ctx context.Context, name types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(ctx, name)
}

// drop ends a watch that no Trigger asks for any more, or has it keep what the others
// need.
func (w *watches) drop(ctx context.Context, name types.NamespacedName) {
	at, ok := w.of[name]
	if !ok {
		return
	}
	delete(w.of, name)
	known := w.known[at]
	delete(known.readers, name)
	if len(known.readers) > 0 {
		w.arrange(ctx, at, known)
		return
	}
	delete(w.known, at)
	known.end()
}

func (k *watched) end() {
	for _, watch := range []*watch{k.current, k.next} {
		if watch != nil {
			watch.cancel()
		}
	}
}

// stop ends all watches, waits for that, and returns the Triggers that had them.
func (w *watches) stop() []types.NamespacedName {
	w.mu.Lock()
	w.stopped = true
	for _, known := range w.known {
		known.end()
	}
	names := slices.Collect(maps.Keys(w.of))
	w.mu.Unlock()
	w.running.Wait()
	return names
}
