package pipeline

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// maxActiveRuns bounds the list of active Runs in a Pipeline's status.
const maxActiveRuns = 10

// activeRuns returns the newest of the Runs that have not ended, newest first. One
// that nobody has looked at yet isn't among them: its first phase is news, too.
func activeRuns(runs []*v1alpha1.Run) []v1alpha1.ActiveRun {
	newest := slices.DeleteFunc(runs, func(run *v1alpha1.Run) bool { return run.Status.Phase == "" })
	slices.SortFunc(newest, func(a, b *v1alpha1.Run) int { return order.Compare(b, a) })
	var active []v1alpha1.ActiveRun
	for _, run := range newest[:min(len(newest), maxActiveRuns)] {
		active = append(active, v1alpha1.ActiveRun{Name: run.Name, Number: run.Status.Number, Phase: run.Status.Phase})
	}
	return active
}
