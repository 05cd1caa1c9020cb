package draw

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/graph"
)

// node is a box, or the place where the edges of one pass a layer.
type node struct {
	box  int
	pass bool
	row  int
	// skip is how many lines of its row stay blank above what enters the node.
	skip int
	// enters are the nets that end at the node, each on a line of its own.
	enters []*net
	behind []int
}

// height is how many lines the node takes.
func (n *node) height() int { return n.skip + max(1, len(n.enters)) }

// out is the line, within its row, by which the node is left.
func (n *node) out() int {
	if n.pass {
		return n.skip
	}
	return 0
}

// net connects each of some nodes with each of some in the next layer. Lines of two
// nets never join, so that nobody takes one for the other.
type net struct {
	from, to []int
	// lane is the column of the line that connects the others, from 0. Straight: there
	// is none.
	lane     int
	straight bool
	// top and bottom are the lines that it reaches.
	top, bottom int
	// ins and outs are the lines by which it comes and leaves.
	ins, outs []int
}

// wiring is a layout in lines of characters.
type wiring struct {
	nodes  []node
	layers [][]int
	// nets behind each layer.
	nets [][]*net
	// start is the first line of each row, and the end of the last.
	start []int
}

// wire finds out which edges can share a line, and where each one goes. It reports
// false if there is no way to draw that people can follow.
func wire(l *graph.Layout) (*wiring, bool) {
	w := &wiring{layers: make([][]int, l.Layers), nets: make([][]*net, l.Layers)}
	w.place(l)
	for i := range w.layers {
		w.connect(i)
	}
	for range maxTries {
		w.number(l.Rows)
		tangled := false
		for i := range w.nets {
			tangled = w.route(w.nets[i]) || tangled
		}
		if !tangled {
			return w, true
		}
	}
	return w, false
}

// maxTries bounds how often nodes are moved for lines that are in each other's way.
const maxTries = 50

// place makes the nodes.
func (w *wiring) place(l *graph.Layout) {
	passes := map[[2]int]int{}
	for i := range l.Boxes {
		w.add(node{box: i, row: l.Boxes[i].Row}, l.Boxes[i].Layer)
	}
	for _, edge := range l.Edges {
		at := edge.From
		for i, row := range edge.Via {
			layer := l.Boxes[edge.From].Layer + 1 + i
			pass, known := passes[[2]int{edge.From, layer}]
			if !known {
				pass = w.add(node{box: edge.From, pass: true, row: row}, layer)
				passes[[2]int{edge.From, layer}] = pass
				w.nodes[at].behind = append(w.nodes[at].behind, pass)
			}
			at = pass
		}
		w.nodes[at].behind = append(w.nodes[at].behind, edge.To)
	}
}

func (w *wiring) add(n node, layer int) int {
	w.nodes = append(w.nodes, n)
	w.layers[layer] = append(w.layers[layer], len(w.nodes)-1)
	return len(w.nodes) - 1
}

// connect joins the nodes of a layer that lead to the same ones.
func (w *wiring) connect(layer int) {
	byRow := func(a, b int) int { return cmp.Compare(w.nodes[a].row, w.nodes[b].row) }
	slices.SortFunc(w.layers[layer], byRow)
	joined := map[string]*net{}
	for _, from := range w.layers[layer] {
		behind := w.nodes[from].behind
		if len(behind) == 0 {
			continue
		}
		slices.SortFunc(behind, byRow)
		key := fmt.Sprint(behind)
		if joined[key] == nil {
			joined[key] = &net{to: behind}
			w.nets[layer] = append(w.nets[layer], joined[key])
			for _, to := range behind {
				w.nodes[to].enters = append(w.nodes[to].enters, joined[key])
			}
		}
		joined[key].from = append(joined[key].from, from)
	}
}

// number gives each row as many lines as what is in it needs.
func (w *wiring) number(rows int) {
	heights := make([]int, rows)
	for i := range w.nodes {
		heights[w.nodes[i].row] = max(heights[w.nodes[i].row], w.nodes[i].height())
	}
	w.start = make([]int, rows+1)
	for row, height := range heights {
		w.start[row+1] = w.start[row] + height
	}
}

// route finds the lane of each net behind a layer. Where nets are in each other's way
// whatever their lanes, it moves a node, and reports so.
func (w *wiring) route(nets []*net) bool {
	for _, n := range nets {
		w.measure(n)
	}
	waiting := slices.Clone(nets)
	var routed []*net
	for len(waiting) > 0 {
		next := slices.IndexFunc(waiting, func(n *net) bool {
			return !slices.ContainsFunc(waiting, func(other *net) bool { return other != n && before(other, n) })
		})
		if next < 0 {
			w.loosen(waiting)
			return true
		}
		n := waiting[next]
		n.lane = 0
		for _, other := range routed {
			if !n.straight && before(other, n) {
				n.lane = max(n.lane, other.lane+1)
			}
		}
		for slices.ContainsFunc(routed, func(other *net) bool { return collide(other, n) }) {
			n.lane++
		}
		routed = append(routed, n)
		waiting = slices.Delete(waiting, next, next+1)
	}
	return false
}

// measure finds the lines of a net.
func (w *wiring) measure(n *net) {
	n.ins, n.outs = nil, nil
	for _, from := range n.from {
		n.ins = append(n.ins, w.start[w.nodes[from].row]+w.nodes[from].out())
	}
	for _, to := range n.to {
		at := &w.nodes[to]
		n.outs = append(n.outs, w.start[at.row]+at.skip+slices.Index(at.enters, n))
	}
	n.top = min(slices.Min(n.ins), slices.Min(n.outs))
	n.bottom = max(slices.Max(n.ins), slices.Max(n.outs))
	n.straight = n.top == n.bottom
}

// before reports whether a has to stand left of b, since b leaves on a line that a comes
// by.
func before(a, b *net) bool {
	if a.straight || b.straight {
		return false
	}
	return slices.ContainsFunc(a.ins, func(line int) bool { return slices.Contains(b.outs, line) })
}

func collide(a, b *net) bool {
	return !a.straight && !b.straight && a.lane == b.lane && a.top <= b.bottom && b.top <= a.bottom
}

// loosen moves down what the first net enters on a line that another one comes by.
func (w *wiring) loosen(tangled []*net) {
	for _, n := range tangled {
		for _, other := range tangled {
			if n == other || !before(other, n) {
				continue
			}
			for i, line := range n.outs {
				if slices.Contains(other.ins, line) {
					w.nodes[n.to[i]].skip++
					return
				}
			}
		}
	}
}
