package pipeline

import "github.com/kayci/kayci/api/v1alpha1"

// lastRun returns the newest Run that has finished, which is the recorded one
// if that is newer than all that are left. A Run that ended before it had a number
// takes the place of none that has.
func lastRun(recorded *v1alpha1.LastRun, runs []v1alpha1.Run) *v1alpha1.LastRun {
	last := recorded
	for i := range runs {
		if s := &runs[i].Status; s.Phase.Finished() {
			candidate := &v1alpha1.LastRun{
				Name: runs[i].Name, Number: s.Number, Phase: s.Phase, CompletionTime: s.CompletionTime,
			}
			if last == nil || newer(candidate, last) {
				last = candidate
			}
		}
	}
	return last
}

func newer(a, b *v1alpha1.LastRun) bool {
	if a.Number != b.Number || a.Number > 0 {
		return a.Number > b.Number
	}
	return b.CompletionTime.Before(a.CompletionTime)
}

// lastNumber returns the highest number that is known. It is recorded together with
// the Run that has it, at its start or its end, and stays when that is deleted.
func lastNumber(recorded *v1alpha1.PipelineStatus, runs []v1alpha1.Run) int64 {
	highest := recorded.LastNumber
	if recorded.LastRun != nil {
		highest = max(highest, recorded.LastRun.Number)
	}
	for i := range runs {
		highest = max(highest, runs[i].Status.Number)
	}
	return highest
}
