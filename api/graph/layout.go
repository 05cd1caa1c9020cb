package graph

import "github.com/kayci/kayci/api/v1alpha1"

// Layout is how a graph of jobs is drawn, but for the size of things: boxes in layers,
// from those that need nothing to those behind all others. It depends on the spec of a
// Pipeline alone, so that it can be kept with a revision; the state of a Run is drawn
// on top.
type Layout struct {
	// Boxes, by layer and then by row. No two are at the same place.
	Boxes []Box
	// Edges, by where they begin and then by where they end.
	Edges []Edge
	// Layers and Rows are how many there are.
	Layers, Rows int
	// Finally is the first layer of finally jobs, or Layers if there are none. No edge
	// leads there: finally jobs come after all others.
	Finally int
}

// Box is a job, or several that are folded into one box.
type Box struct {
	// Name of the job, or what the folded ones have in common.
	Name string
	// Jobs in the box, in the order of the Pipeline. Each job is in one box.
	Jobs []string
	// Layer and Row are the place.
	Layer, Row int
}

// Folded reports whether the box stands for several jobs.
func (b *Box) Folded() bool { return len(b.Jobs) > 1 }

// Edge leads from a box to one that needs it, in a later layer. Edges that follow from
// others are left out.
type Edge struct {
	// From and To are indices of boxes.
	From, To int
	// Via are the rows at which the edge passes the layers between. Edges that begin at
	// the same box go the same way as long as they can. It is not to be changed.
	Via []int
}

// Arrange lays out the jobs. Alike ones are folded, but for those whose fold has one of
// the open jobs in it. Needs that name no earlier job are left out, as validation
// refuses them.
func Arrange(jobs []v1alpha1.Job, open ...string) Layout {
	finally := map[string]bool{}
	for i := range jobs {
		finally[jobs[i].Name] = jobs[i].Finally
	}
	boxes, needs := fold(jobs, reduce(jobs), open)
	g := stack(boxes, needs, finally)
	g.untangle()
	g.spread()
	return g.layout()
}
