package web

import (
	"fmt"
	"slices"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// durations are how long a job has taken in the last Runs.
type durations struct {
	Job string
	// Median of those that have run to their end.
	Median time.Duration
	// Points, the oldest first.
	Points []point
}

// point is a job in one Run.
type point struct {
	Run    string
	Number int64
	State  view.State
	Took   time.Duration
	// Height is the part of the longest, in per cent with a sign.
	Height string
}

// durationsOf the Pipeline's jobs in the Runs, which are the newest first.
func durationsOf(runs []view.Run, jobs []v1alpha1.Job) []durations {
	all := make([]durations, 0, len(jobs))
	usual := view.Usual(runs)
	for n := range jobs {
		if one := durationOf(runs, jobs[n].Name); len(one.Points) > 0 {
			one.Median = usual[one.Job]
			all = append(all, one)
		}
	}
	return all
}

func durationOf(runs []view.Run, name string) durations {
	d := durations{Job: name}
	var longest time.Duration
	for n := range runs {
		run := &runs[n]
		job := run.Job(name)
		if job == nil || job.ReusedFrom != "" || !job.State.Ended() || job.Times.Running.From.IsZero() {
			continue
		}
		ran := job.Times.Running.Length()
		d.Points = append(d.Points, point{Run: run.Name, Number: run.Number, State: job.State, Took: ran})
		longest = max(longest, ran)
	}
	slices.Reverse(d.Points)
	for n := range d.Points {
		d.Points[n].Height = fmt.Sprintf("%.1f%%", 100*max(float64(d.Points[n].Took), 1)/max(float64(longest), 1))
	}
	return d
}
