package pipeline

import "github.com/kayci/kayci/api/v1alpha1"

// lastNumber returns the highest number that is known. It is recorded together with
// the Run that has it, at its start or its end, and stays when that is deleted.
func lastNumber(recorded *v1alpha1.PipelineStatus, seen int64) int64 {
	highest := max(recorded.LastNumber, seen)
	if recorded.LastRun != nil {
		highest = max(highest, recorded.LastRun.Number)
	}
	return highest
}
