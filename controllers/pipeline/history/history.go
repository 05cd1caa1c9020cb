// Package history keeps the Runs that the cache shows in the orders in which a
// Pipeline asks for them. A look at a Pipeline then costs what is active and what
// has expired, however many finished Runs are kept. Nothing is decided from it that
// the cache doesn't show, and it is made anew with each process. It is pure.
package history

import (
	"maps"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Runs are the Runs that a watch has shown. The zero value is ready, and safe for
// concurrent use. The Runs are the cache's own, here and in what is returned: they
// must not be changed.
type Runs struct {
	mu    sync.Mutex
	known map[types.UID]*v1alpha1.Run
	// pinned counts the Runs of each revision.
	pinned map[types.NamespacedName]int
	// of are the Runs of each Pipeline that are not being deleted.
	of map[types.UID]*runs
	// freed is the last number that was given.
	freed int64
}

// runs are those of one Pipeline.
type runs struct {
	active map[types.UID]*v1alpha1.Run
	// all have finished; failed and others are parts of them.
	all, failed, others tree
	seen                Seen
}

// Seen is what was seen of a Pipeline's Runs, also of some that are gone.
type Seen struct {
	// Last is the newest that has finished. nil: none has.
	Last *v1alpha1.LastRun
	// Number is the highest.
	Number int64
	// Freed is another number whenever one of the Pipeline's revisions may have lost
	// its last Run. 0: the Pipeline has no Run.
	Freed int64
}

// Put takes in a Run that is new or has changed.
func (r *Runs) Put(run *v1alpha1.Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known, r.pinned, r.of = map[types.UID]*v1alpha1.Run{}, map[types.NamespacedName]int{}, map[types.UID]*runs{}
	}
	before := r.known[run.UID]
	r.known[run.UID] = run
	r.pinned[pinOf(run)]++
	if before == nil {
		r.add(run)
		return
	}
	r.remove(before)
	r.add(run)
	r.unpin(before)
	r.sweep(before)
}

// Drop leaves out a Run that is gone.
func (r *Runs) Drop(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.known[uid]
	if run == nil {
		return
	}
	delete(r.known, uid)
	r.remove(run)
	r.unpin(run)
	r.sweep(run)
}

// Pins reports whether a Run of the namespace, whosever, is pinned to the revision.
func (r *Runs) Pins(namespace, revision string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pinned[types.NamespacedName{Namespace: namespace, Name: revision}] > 0
}

// Of returns the Pipeline's Runs that have not finished, in no order, and what was
// seen of all.
func (r *Runs) Of(pipeline types.UID) (active []*v1alpha1.Run, seen Seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.of[pipeline]
	if of == nil {
		return nil, Seen{}
	}
	seen = of.seen
	seen.Last = seen.Last.DeepCopy()
	return slices.Collect(maps.Values(of.active)), seen
}

func (r *Runs) add(run *v1alpha1.Run) {
	pipeline := ownerOf(run)
	if pipeline == "" || !run.DeletionTimestamp.IsZero() {
		return
	}
	of := r.of[pipeline]
	if of == nil {
		r.freed++
		of = &runs{active: map[types.UID]*v1alpha1.Run{}, seen: Seen{Freed: r.freed}}
		r.of[pipeline] = of
	}
	of.seen.see(run)
	if !run.Status.Phase.Finished() {
		of.active[run.UID] = run
		return
	}
	of.all.insert(run)
	of.part(run).insert(run)
}

func (r *Runs) remove(run *v1alpha1.Run) {
	of := r.of[ownerOf(run)]
	switch {
	case of == nil, !run.DeletionTimestamp.IsZero():
	case run.Status.Phase.Finished():
		of.all.remove(run)
		of.part(run).remove(run)
	default:
		delete(of.active, run.UID)
	}
}

func (r *Runs) unpin(run *v1alpha1.Run) {
	pin := pinOf(run)
	r.pinned[pin]--
	if r.pinned[pin] > 0 {
		return
	}
	delete(r.pinned, pin)
	if of := r.of[ownerOf(run)]; of != nil && pin.Name != "" {
		r.freed++
		of.seen.Freed = r.freed
	}
}

// sweep forgets the Pipeline of the Run if it has no other.
func (r *Runs) sweep(run *v1alpha1.Run) {
	pipeline := ownerOf(run)
	if of := r.of[pipeline]; of != nil && len(of.active) == 0 && of.all.len() == 0 {
		delete(r.of, pipeline)
	}
}

// part returns the part of the finished Runs that this one is in.
func (r *runs) part(run *v1alpha1.Run) *tree {
	if run.Status.Phase == v1alpha1.RunFailed {
		return &r.failed
	}
	return &r.others
}

func (s *Seen) see(run *v1alpha1.Run) {
	status := &run.Status
	s.Number = max(s.Number, status.Number)
	if status.Phase.Finished() {
		s.Last = Later(s.Last, &v1alpha1.LastRun{
			Name: run.Name, Number: status.Number, Phase: status.Phase, CompletionTime: status.CompletionTime,
		})
	}
}

// Later returns the later of two Runs that have finished, the first if neither is;
// nil stands for none. One that ended before it had a number takes the place of none
// that has.
func Later(a, b *v1alpha1.LastRun) *v1alpha1.LastRun {
	if a == nil || b != nil && later(b, a) {
		return b
	}
	return a
}

func later(a, b *v1alpha1.LastRun) bool {
	if a.Number != b.Number || a.Number > 0 {
		return a.Number > b.Number
	}
	return b.CompletionTime.Before(a.CompletionTime)
}

// ownerOf returns the UID of the Pipeline that the Run is one of, blank for none:
// one that was made by hand has none at first.
func ownerOf(run *v1alpha1.Run) types.UID {
	owner := metav1.GetControllerOfNoCopy(run)
	if owner == nil || run.Labels[v1alpha1.PipelineLabel] != owner.Name {
		return ""
	}
	return owner.UID
}

// pinOf names the Run's revision, which is blank of one that has none yet.
func pinOf(run *v1alpha1.Run) types.NamespacedName {
	return types.NamespacedName{Namespace: run.Namespace, Name: run.Spec.Revision}
}
