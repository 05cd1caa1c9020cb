package graph

import (
	"cmp"
	"slices"
)

// maxSweeps bounds how often the order of nodes is improved. Most graphs have found
// theirs after two.
const maxSweeps = 6

// untangle orders the nodes of each layer so that few edges cross: each goes to the
// middle of its neighbours, from layer to layer, there and back. The best order that was
// seen stays.
func (g *stacked) untangle() {
	place := make([]int, len(g.before))
	best, fewest := g.order(), g.crossings(place)
	for range maxSweeps {
		if fewest == 0 {
			break
		}
		for i := 1; i < len(g.layers); i++ {
			g.sort(i, i-1, g.before, place)
		}
		for i := len(g.layers) - 2; i >= 0; i-- {
			g.sort(i, i+1, g.behind, place)
		}
		if crossings := g.crossings(place); crossings < fewest {
			best, fewest = g.order(), crossings
		}
	}
	g.layers = best
}

func (g *stacked) order() [][]int {
	layers := make([][]int, len(g.layers))
	for i := range layers {
		layers[i] = slices.Clone(g.layers[i])
	}
	return layers
}

// sort orders a layer by the one beside it. What has no neighbour there stays about
// where it is.
func (g *stacked) sort(layer, beside int, neighbours [][]int, place []int) {
	for i, node := range g.layers[beside] {
		place[node] = i
	}
	middle := make(map[int]float64, len(g.layers[layer]))
	for i, node := range g.layers[layer] {
		sum := 0
		for _, other := range neighbours[node] {
			sum += place[other]
		}
		middle[node] = float64(i)
		if len(neighbours[node]) > 0 {
			middle[node] = float64(sum) / float64(len(neighbours[node]))
		}
	}
	slices.SortStableFunc(g.layers[layer], func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
}

// crossings counts how many pairs of edges cross.
func (g *stacked) crossings(place []int) int {
	crossings := 0
	for i := 1; i < len(g.layers); i++ {
		for at, node := range g.layers[i] {
			place[node] = at
		}
		crossings += g.crossed(g.layers[i-1], len(g.layers[i]), place)
	}
	return crossings
}

// crossed counts the crossings behind one layer: for each edge those before it that end
// further down. The counts are kept in a Fenwick tree.
func (g *stacked) crossed(layer []int, size int, place []int) int {
	tree := make([]int, size+1)
	crossings, edges := 0, 0
	for _, node := range layer {
		for _, other := range g.behind[node] {
			above := 0
			for at := place[other] + 1; at > 0; at &= at - 1 {
				above += tree[at]
			}
			crossings += edges - above
		}
		for _, other := range g.behind[node] {
			for at := place[other] + 1; at <= size; at += at & -at {
				tree[at]++
			}
			edges++
		}
	}
	return crossings
}
