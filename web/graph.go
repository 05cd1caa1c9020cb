package web

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// openField is what the address of a page has for each fold of the graph that is open:
// a job of it.
const openField = "open"

// runGraph draws the jobs of a Run in their states. Without the spec there is nothing
// to know them by.
func runGraph(l *look, open []string) (template.HTML, error) {
	if l.Spec == nil {
		return "", nil
	}
	marks := func(box *graph.Box) draw.Mark {
		states := make([]view.State, 0, len(box.Jobs))
		ended := 0
		for _, name := range box.Jobs {
			state := view.Waiting
			if job := l.View.Job(name); job != nil {
				state = job.State
			}
			if states = append(states, state); state.Ended() {
				ended++
			}
		}
		state := view.Worst(states...)
		mark := draw.Mark{Symbol: state.Symbol(), Word: state.Word(), Class: state.Class(), Link: jobPath(l.Run.Namespace, l.Run.Name, box.Name)}
		if box.Folded() {
			mark.Note, mark.Link = fmt.Sprintf("%d/%d", ended, len(box.Jobs)), opening(open, box)
		}
		return mark
	}
	return draw.SVG(graph.Arrange(l.Spec.Jobs, open...), marks, "Jobs of "+l.View.Address)
}

// pipelineGraph draws the jobs of a Pipeline.
func pipelineGraph(pipeline *v1alpha1.Pipeline, open []string) (template.HTML, error) {
	plain := draw.Spec(pipeline.Spec.Jobs, false)
	marks := func(box *graph.Box) draw.Mark {
		mark := plain(box)
		if box.Folded() {
			mark.Link = opening(open, box)
		}
		return mark
	}
	return draw.SVG(graph.Arrange(pipeline.Spec.Jobs, open...), marks, "Jobs of "+pipeline.Name)
}

// opening is the address of the same page with the box's jobs side by side.
func opening(open []string, box *graph.Box) string {
	return "?" + url.Values{openField: slices.Concat(open, box.Jobs[:1])}.Encode()
}
