package graph

import (
	"maps"
	"slices"
)

// passWeight is how much more a straight long edge counts than a box that stands beside
// its neighbours.
const passWeight = 4

// spread gives each node its row: as near to the middle of its neighbours as those above
// and below it in its layer let it. Rows that nothing is in are taken out.
func (g *stacked) spread() {
	g.rows = make([]int, len(g.before))
	for _, layer := range g.layers {
		for i, node := range layer {
			g.rows[node] = i
		}
	}
	for range 2 {
		for i := 1; i < len(g.layers); i++ {
			g.settle(g.layers[i], g.before)
		}
		for i := len(g.layers) - 2; i >= 0; i-- {
			g.settle(g.layers[i], g.behind)
		}
	}
	g.pack()
}

// run is a part of a layer whose nodes are in adjacent rows, with the sum of where they
// would have its first one be.
type run struct{ first, weight, sum int }

// settle moves the nodes of a layer. Nodes that would have the same row, or pass one
// another, share in between: least squares under an order, by pooling.
func (g *stacked) settle(layer []int, neighbours [][]int) {
	runs := make([]run, 0, len(layer))
	for i, node := range layer {
		weight := 1
		if node >= len(g.boxes) {
			weight = passWeight
		}
		runs = append(runs, run{first: i, weight: weight, sum: weight * (g.wanted(node, neighbours[node]) - i)})
		for n := len(runs); n > 1 && runs[n-1].sum*runs[n-2].weight <= runs[n-2].sum*runs[n-1].weight; n = len(runs) {
			runs[n-2].weight += runs[n-1].weight
			runs[n-2].sum += runs[n-1].sum
			runs = runs[:n-1]
		}
	}
	at := 0
	for i, node := range layer {
		if at+1 < len(runs) && runs[at+1].first == i {
			at++
		}
		g.rows[node] = rounded(runs[at].sum, runs[at].weight) + i
	}
}

// wanted is the middle of the neighbours, or where the node is without any.
func (g *stacked) wanted(node int, neighbours []int) int {
	if len(neighbours) == 0 {
		return g.rows[node]
	}
	sum := 0
	for _, other := range neighbours {
		sum += g.rows[other]
	}
	return rounded(sum, len(neighbours))
}

// rounded divides, to the nearest whole number. Whole numbers are the same on each
// machine.
func rounded(sum, count int) int {
	doubled := 2*sum + count - 1
	if doubled < 0 {
		doubled -= 2*count - 1
	}
	return doubled / (2 * count)
}

// pack numbers the rows that are in use from 0.
func (g *stacked) pack() {
	used := map[int]bool{}
	for _, row := range g.rows {
		used[row] = true
	}
	number := make(map[int]int, len(used))
	for i, row := range slices.Sorted(maps.Keys(used)) {
		number[row] = i
	}
	for node, row := range g.rows {
		g.rows[node] = number[row]
	}
}
