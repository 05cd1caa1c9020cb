package graph

import "slices"

// stacked is a graph in layers. Its first nodes are the boxes, in their order; the
// others are where edges pass a layer: edges that begin at the same box pass it at the
// same place, so that there are few, and it is seen that they belong together.
type stacked struct {
	boxes []Box
	needs [][]int
	// layers of nodes, in the order of their rows.
	layers [][]int
	// passes of each box: the nodes through which its edges pass the layers behind it.
	passes [][]int
	// before and behind are each node's neighbours in the layers beside it.
	before, behind [][]int
	// rows of nodes.
	rows    []int
	finally int
}

// stack gives each box its layer, which is one behind all that it needs, and has edges
// lead from layer to layer.
func stack(boxes []Box, needs [][]int, finally map[string]bool) *stacked {
	g := &stacked{boxes: boxes, needs: needs, passes: make([][]int, len(boxes)), before: make([][]int, len(boxes)), behind: make([][]int, len(boxes))}
	depth := 0
	for _, last := range []bool{false, true} {
		first := depth
		if last {
			g.finally = depth
		}
		for i := range boxes {
			if finally[boxes[i].Jobs[0]] != last {
				continue
			}
			boxes[i].Layer = first
			for _, need := range needs[i] {
				boxes[i].Layer = max(boxes[i].Layer, boxes[need].Layer+1)
			}
			depth = max(depth, boxes[i].Layer+1)
		}
	}
	g.layers = make([][]int, depth)
	for i := range boxes {
		g.layers[boxes[i].Layer] = append(g.layers[boxes[i].Layer], i)
	}
	for i := range boxes {
		for _, need := range needs[i] {
			g.link(g.reach(need, boxes[i].Layer-1), i)
		}
	}
	return g
}

// reach returns the node by which edges from the box leave the layer.
func (g *stacked) reach(box, layer int) int {
	for {
		passed := len(g.passes[box])
		last := box
		if passed > 0 {
			last = g.passes[box][passed-1]
		}
		at := g.boxes[box].Layer + passed
		if at >= layer {
			if layer == g.boxes[box].Layer {
				return box
			}
			return g.passes[box][layer-g.boxes[box].Layer-1]
		}
		node := len(g.before)
		g.before, g.behind = append(g.before, nil), append(g.behind, nil)
		g.passes[box] = append(g.passes[box], node)
		g.layers[at+1] = append(g.layers[at+1], node)
		g.link(last, node)
	}
}

func (g *stacked) link(from, to int) {
	g.behind[from] = append(g.behind[from], to)
	g.before[to] = append(g.before[to], from)
}

// layout is the graph with its rows, for others.
func (g *stacked) layout() Layout {
	l := Layout{Layers: len(g.layers), Finally: g.finally}
	index := make([]int, len(g.boxes))
	for _, layer := range g.layers {
		for _, node := range layer {
			l.Rows = max(l.Rows, g.rows[node]+1)
			if node >= len(g.boxes) {
				continue
			}
			index[node] = len(l.Boxes)
			box := g.boxes[node]
			box.Row = g.rows[node]
			l.Boxes = append(l.Boxes, box)
		}
	}
	via := make([][]int, len(g.boxes))
	for box, passes := range g.passes {
		for _, node := range passes {
			via[box] = append(via[box], g.rows[node])
		}
	}
	for box := range g.boxes {
		for _, need := range g.needs[box] {
			between := g.boxes[box].Layer - g.boxes[need].Layer - 1
			l.Edges = append(l.Edges, Edge{From: index[need], To: index[box], Via: via[need][:between:between]})
		}
	}
	slices.SortFunc(l.Edges, func(a, b Edge) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return a.To - b.To
	})
	return l
}
