// Package draw shows the layout of a graph of jobs: as text for a terminal, as SVG for a
// page, and in the languages of Graphviz and Mermaid. It is pure.
package draw

import (
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Mark is what is drawn of a box beside its name.
type Mark struct {
	// Symbol is one character that tells the state. Blank: there is none.
	Symbol string
	// Word says the same for who sees no symbols or colours.
	Word string
	// Class is the name of the state in style sheets.
	Class string
	// Note stands behind the name: 97/100 of a folded box.
	Note string
	// Link is where the box leads to on a page: a path, a query or a fragment. What
	// isn't any of these leads nowhere.
	Link string
}

// Marks tells what is drawn of a box. Nil: there is nothing but names.
type Marks func(box *graph.Box) Mark

func (m Marks) of(box *graph.Box) Mark {
	if m == nil {
		return Mark{}
	}
	mark := m(box)
	mark.Symbol, mark.Word, mark.Note = printable.Text(mark.Symbol), printable.Text(mark.Word), printable.Text(mark.Note)
	return mark
}

// Spec marks the jobs of a Pipeline that no Run is about: those that ask somebody, and
// those that may be skipped.
func Spec(jobs []v1alpha1.Job, ascii bool) Marks {
	specs := make(map[string]*v1alpha1.Job, len(jobs))
	for i := range jobs {
		specs[jobs[i].Name] = &jobs[i]
	}
	return func(box *graph.Box) Mark {
		mark := Mark{Class: "job"}
		if box.Folded() {
			mark.Note = strconv.Itoa(len(box.Jobs))
		}
		switch job := specs[box.Jobs[0]]; {
		case job == nil:
		case job.Approval != nil:
			mark.Symbol, mark.Word = "‖", "asks for approval"
		case job.If != "":
			mark.Symbol, mark.Word = "◇", "has a condition"
		}
		if ascii && mark.Symbol != "" {
			mark.Symbol = "?"
		}
		return mark
	}
}

// label is what stands in a box.
func label(box *graph.Box, mark Mark) string {
	return strings.Join(strings.Fields(mark.Symbol+" "+printable.Text(box.Name)+" "+mark.Note), " ")
}
