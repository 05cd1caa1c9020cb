package web

import (
	"html/template"
	"net/url"
	"slices"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
)

// openField is what the address of a page has for each fold of the graph that is open:
// a job of it.
const openField = "open"

// runGraph draws the jobs of a Run in their states. Without the spec there is nothing
// to know them by.
func (s *server) runGraph(l *look, open []string) (template.HTML, error) {
	if l.Spec == nil {
		return "", nil
	}
	marks := l.View.Marks(false, func(box *graph.Box) string {
		if box.Folded() {
			return opening(open, box)
		}
		return jobPath(l.Run.Namespace, l.Run.Name, box.Name)
	})
	layout, err := s.layouts.of(l.Spec.Jobs, open)
	if err != nil {
		return "", err
	}
	return draw.SVG(layout, marks, "Jobs of "+l.View.Address)
}

// pipelineGraph draws the jobs of a Pipeline.
func (s *server) pipelineGraph(pipeline *v1alpha1.Pipeline, open []string) (template.HTML, error) {
	plain := draw.Spec(pipeline.Spec.Jobs, false)
	marks := func(box *graph.Box) draw.Mark {
		mark := plain(box)
		if box.Folded() {
			mark.Link = opening(open, box)
		}
		return mark
	}
	layout, err := s.layouts.of(pipeline.Spec.Jobs, open)
	if err != nil {
		return "", err
	}
	return draw.SVG(layout, marks, "Jobs of "+pipeline.Name)
}

// opening is the address of the same page with the box's jobs side by side.
func opening(open []string, box *graph.Box) string {
	return "?" + url.Values{openField: slices.Concat(open, box.Jobs[:1])}.Encode()
}
