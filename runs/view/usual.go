package view

import (
	"slices"
	"time"
)

// Ran is how long the job's containers ran to their end by themselves, and whether they
// did.
func (j *Job) Ran() (time.Duration, bool) {
	ended := j.State == Succeeded || j.State == Failed || j.State == Tolerated
	return j.Times.Running.Length(), ended && j.ReusedFrom == "" && !j.Times.Running.From.IsZero()
}

// Usual is how long the jobs of these Runs usually run to their end: the median.
func Usual(runs []Run) map[string]time.Duration {
	all := map[string][]time.Duration{}
	for i := range runs {
		for n := range runs[i].Jobs {
			job := &runs[i].Jobs[n]
			if ran, is := job.Ran(); is {
				all[job.Name] = append(all[job.Name], ran)
			}
		}
	}
	usual := make(map[string]time.Duration, len(all))
	for name, ran := range all {
		slices.Sort(ran)
		usual[name] = ran[len(ran)/2]
	}
	return usual
}
