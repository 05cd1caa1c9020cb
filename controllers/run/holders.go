package run

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// hold remembers that the Run has a place.
func (n *neighbours) hold(run *v1alpha1.Run) {
	lock, bound := queue.LockOf(run)
	if !bound || !run.Status.Concurrency.Admitted || run.Status.Phase.Finished() {
		return
	}
	t := turn{run.Namespace, lock}
	if n.holders == nil {
		n.holders = map[turn]map[types.UID]string{}
	}
	if n.holders[t] == nil {
		n.holders[t] = map[types.UID]string{}
	}
	n.holders[t][run.UID] = run.Name
}

// release forgets that: the Run has ended, or nothing of it is left.
func (n *neighbours) release(t turn, run types.UID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.holders[t], run)
	if len(n.holders[t]) == 0 {
		delete(n.holders, t)
	}
}

// vanished returns the Runs that had a place and are not among those that there
// are, though nobody has recorded their end. What a worker does about one of them
// meanwhile would be missed: then it isn't ok.
func (n *neighbours) vanished(t turn, runs []v1alpha1.Run) (gone []types.UID, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for uid, name := range n.holders[t] {
		if slices.ContainsFunc(runs, func(run v1alpha1.Run) bool { return run.UID == uid }) {
			continue
		}
		if n.busy[types.NamespacedName{Namespace: t.namespace, Name: name}] {
			return nil, false
		}
		gone = append(gone, uid)
	}
	return gone, true
}

// lost returns the Runs of this name that had a place and that the cache shows no
// more, though nobody has recorded their end.
func (n *neighbours) lost(key types.NamespacedName) map[types.UID]turn {
	n.mu.Lock()
	defer n.mu.Unlock()
	lost := map[types.UID]turn{}
	for t, holders := range n.holders {
		for uid, name := range holders {
			if t.namespace == key.Namespace && name == key.Name && n.known[t.namespace][uid] == nil {
				lost[uid] = t
			}
		}
	}
	return lost
}

// work notes that a worker has to do with a Run of this name, and returns what ends
// that. It comes before the Run is read: whoever doesn't see it at work sees all
// that it has done.
func (n *neighbours) work(key types.NamespacedName) (end func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.busy == nil {
		n.busy = map[types.NamespacedName]bool{}
	}
	n.busy[key] = true
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.busy, key)
	}
}
