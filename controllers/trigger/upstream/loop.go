package upstream

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Loop returns the Pipelines, one after the other, by which the Runs that the Trigger
// starts would lead to those that it waits for, and so to themselves. nil: none. The
// other Triggers are those of its namespace.
func Loop(trigger *v1alpha1.Trigger, others []v1alpha1.Trigger) []string {
	next := map[string][]string{}
	for i := range others {
		if run := others[i].Spec.Run; run != nil && others[i].DeletionTimestamp.IsZero() {
			next[run.Pipeline] = append(next[run.Pipeline], others[i].Spec.Pipeline)
		}
	}
	goal := trigger.Spec.Run.Pipeline
	came := map[string]string{trigger.Spec.Pipeline: goal}
	for queue := []string{trigger.Spec.Pipeline}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == goal {
			return way(came, goal)
		}
		slices.Sort(next[queue[0]])
		for _, pipeline := range next[queue[0]] {
			if _, seen := came[pipeline]; !seen {
				came[pipeline] = queue[0]
				queue = append(queue, pipeline)
			}
		}
	}
	return nil
}

// way goes back from the Pipeline to itself.
func way(came map[string]string, goal string) []string {
	path := []string{goal}
	for at := came[goal]; at != goal; at = came[at] {
		path = append(path, at)
	}
	slices.Reverse(path)
	return append([]string{goal}, path...)
}
