package view

import (
	"fmt"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
)

// Marks draws the states of the jobs on a graph of them. Of a folded box it is the state
// that somebody wants to see first, and how many of its jobs have ended. Link says where
// a box leads to; nil: nowhere.
func (r *Run) Marks(ascii bool, link func(box *graph.Box) string) draw.Marks {
	states := make(map[string]State, len(r.Jobs))
	for i := range r.Jobs {
		states[r.Jobs[i].Name] = r.Jobs[i].State
	}
	return func(box *graph.Box) draw.Mark {
		ended := 0
		worst := Succeeded
		for _, job := range box.Jobs {
			state, known := states[job]
			if !known {
				state = Waiting
			}
			if state.Ended() {
				ended++
			}
			worst = Worst(worst, state)
		}
		mark := draw.Mark{Symbol: worst.Sign(ascii), Word: worst.Word(), Class: worst.Class()}
		if box.Folded() {
			mark.Note = fmt.Sprintf("%d/%d", ended, len(box.Jobs))
		}
		if link != nil {
			mark.Link = link(box)
		}
		return mark
	}
}
