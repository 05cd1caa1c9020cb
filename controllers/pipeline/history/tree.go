package history

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// tree holds finished Runs in their order, oldest first, and finds those that ended
// by a time without visiting the others. It is a treap: a search tree by order, and
// a heap by weights as good as random, which keep it flat. The zero value is empty.
type tree struct{ root *node }

type node struct {
	run         *v1alpha1.Run
	weight      uint64
	left, right *node
	// size is the number of this Run and those below, and first when the first of
	// them ended.
	size  int
	first time.Time
}

func (t *tree) len() int { return t.root.len() }

// insert adds a Run that isn't in the tree.
func (t *tree) insert(run *v1alpha1.Run) {
	// No answer depends on the weight.
	t.root = t.root.insert(&node{run: run, weight: rand.Uint64()}) //nolint:gosec // Nobody gains by guessing it.
}

// remove takes out a Run, as it was inserted.
func (t *tree) remove(run *v1alpha1.Run) { t.root = t.root.remove(run) }

// endedBy returns the Runs, from one place in the order to before another, that
// ended by a time, and when the first of those ended that did later, zero for none.
func (t *tree) endedBy(limit time.Time, from, to int) (runs []*v1alpha1.Run, later time.Time) {
	l := look{limit: limit}
	l.at(t.root, from, to)
	return l.runs, l.later
}

// look is a search in a tree.
type look struct {
	limit time.Time
	runs  []*v1alpha1.Run
	later time.Time
}

// at searches the node and what is below it, between two places among these.
func (l *look) at(n *node, from, to int) {
	from, to = max(from, 0), min(to, n.len())
	switch {
	case from >= to:
		return
	case from == 0 && to == n.size && n.first.After(l.limit):
		l.see(n.first)
		return
	}
	here := n.left.len()
	l.at(n.left, from, to)
	if from <= here && here < to {
		if ended := ended(n.run); ended.After(l.limit) {
			l.see(ended)
		} else {
			l.runs = append(l.runs, n.run)
		}
	}
	l.at(n.right, from-here-1, to-here-1)
}

func (l *look) see(later time.Time) {
	if l.later.IsZero() || later.Before(l.later) {
		l.later = later
	}
}

func (n *node) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

// sum brings up to date what the node says of those below it.
func (n *node) sum() *node {
	n.size, n.first = 1+n.left.len()+n.right.len(), ended(n.run)
	for _, below := range []*node{n.left, n.right} {
		if below != nil && below.first.Before(n.first) {
			n.first = below.first
		}
	}
	return n
}

func (n *node) insert(added *node) *node {
	switch {
	case n == nil:
	case added.weight > n.weight:
		added.left, added.right = n.split(added.run)
	case compare(added.run, n.run) < 0:
		n.left = n.left.insert(added)
		return n.sum()
	default:
		n.right = n.right.insert(added)
		return n.sum()
	}
	return added.sum()
}

func (n *node) remove(run *v1alpha1.Run) *node {
	if n == nil {
		return nil
	}
	switch order := compare(run, n.run); {
	case order == 0:
		return join(n.left, n.right)
	case order < 0:
		n.left = n.left.remove(run)
	default:
		n.right = n.right.remove(run)
	}
	return n.sum()
}

// split parts the Runs into those before this one and the others.
func (n *node) split(run *v1alpha1.Run) (before, others *node) {
	switch {
	case n == nil:
		return nil, nil
	case compare(n.run, run) < 0:
		n.right, others = n.right.split(run)
		return n.sum(), others
	default:
		before, n.left = n.left.split(run)
		return before, n.sum()
	}
}

// join puts together what has been parted.
func join(before, others *node) *node {
	switch {
	case before == nil:
		return others
	case others == nil:
		return before
	case before.weight > others.weight:
		before.right = join(before.right, others)
		return before.sum()
	default:
		others.left = join(before, others.left)
		return others.sum()
	}
}

// compare tells any two Runs apart.
func compare(a, b *v1alpha1.Run) int {
	return cmp.Or(order.Compare(a, b), cmp.Compare(a.UID, b.UID))
}

// ended returns when a finished Run ended, at the earliest if it doesn't say.
func ended(run *v1alpha1.Run) time.Time {
	if run.Status.CompletionTime == nil {
		return run.CreationTimestamp.Time
	}
	return run.Status.CompletionTime.Time
}
