package web

import (
	"fmt"
	"time"

	"github.com/kayci/kayci/runs/view"
)

// bars are the times of a job, as parts of those of its Run.
type bars struct{ Queued, Pulling, Running bar }

// bar is where a span begins and how wide it is, in per cent with a sign: as attributes
// of a drawing, since the page allows no styles within it.
type bar struct{ From, Width string }

// Shown reports whether there is anything to draw.
func (b bar) Shown() bool { return b.Width != "" }

// least is how wide a bar is at least, in per cent, to be seen.
const least = 0.5

// barsOf the Run's jobs, in their order.
func barsOf(run *view.Run, now time.Time) []bars {
	begin, end := run.Created, run.Ended
	if end.IsZero() {
		end = now
	}
	whole := end.Sub(begin)
	drawn := make([]bars, len(run.Jobs))
	if whole <= 0 {
		return drawn
	}
	for n := range run.Jobs {
		if run.Jobs[n].ReusedFrom != "" {
			continue
		}
		times := run.Jobs[n].Times
		drawn[n] = bars{barOf(times.Queued, begin, whole), barOf(times.Pulling, begin, whole), barOf(times.Running, begin, whole)}
	}
	return drawn
}

func barOf(span view.Span, begin time.Time, whole time.Duration) bar {
	if span.From.IsZero() {
		return bar{}
	}
	from := min(max(100*float64(span.From.Sub(begin))/float64(whole), 0), 100-least)
	width := min(max(100*float64(span.Length())/float64(whole), least), 100-from)
	return bar{fmt.Sprintf("%.2f%%", from), fmt.Sprintf("%.2f%%", width)}
}
