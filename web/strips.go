package web

import (
	"cmp"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// stripLength is how many results of a Pipeline are shown.
const stripLength = 10

// strip are the last results of a Pipeline, the newest last.
type strip struct {
	Pipeline string
	Results  []result
}

// result is a Run in a strip.
type result struct {
	Name   string
	Number int64
	State  view.State
}

// strips collects results while all Runs of a namespace pass by.
type strips map[string][]result

func (s strips) add(run *v1alpha1.Run) {
	name := run.Spec.Pipeline
	s[name] = append(s[name], result{run.Name, run.Status.Number, view.OfRun(run)})
	if len(s[name]) >= 4*stripLength {
		s[name] = newest(s[name])
	}
}

// newest keeps the last results. A Run without a number is newer than any other.
func newest(results []result) []result {
	slices.SortFunc(results, func(a, b result) int {
		return cmp.Or(cmp.Compare(uint64(a.Number)-1, uint64(b.Number)-1), cmp.Compare(a.Name, b.Name))
	})
	return slices.Clone(results[max(0, len(results)-stripLength):])
}

// of the Pipelines by name; those without a Run have no results.
func (s strips) of(pipelines []string) []strip {
	found := map[string]strip{}
	for _, name := range pipelines {
		found[name] = strip{Pipeline: name}
	}
	for name, results := range s {
		found[name] = strip{name, newest(results)}
	}
	all := make([]strip, 0, len(found))
	for _, one := range found {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b strip) int { return cmp.Compare(a.Pipeline, b.Pipeline) })
	return all
}
