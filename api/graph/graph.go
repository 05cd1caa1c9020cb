// Package graph answers questions about the graph of a Pipeline's jobs. It is
// pure.
package graph

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Ancestors returns the jobs that the job needs, directly or by way of others, in
// the order of the list. A finally job comes after all that are none. Needs that name no earlier job are left out: validation
// refuses them, and without them there is no cycle.
func Ancestors(jobs []v1alpha1.Job, name string) []string {
	last := slices.IndexFunc(jobs, func(j v1alpha1.Job) bool { return j.Name == name })
	if last < 0 {
		return nil
	}
	needed := map[string]bool{}
	for i := range jobs {
		needed[jobs[i].Name] = jobs[last].Finally && !jobs[i].Finally
	}
	for i := last; i >= 0; i-- {
		if i != last && !needed[jobs[i].Name] {
			continue
		}
		for _, need := range jobs[i].Needs {
			needed[need] = true
		}
	}
	var ancestors []string
	for i := range jobs[:last] {
		if needed[jobs[i].Name] {
			ancestors = append(ancestors, jobs[i].Name)
		}
	}
	return ancestors
}
