package view

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Span is a time from its begin to its end. Of one that goes on the end is now. One that
// has not begun is zero.
type Span struct{ From, To time.Time }

// Length of the span.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Times are what became of the time of a job since it was due: it waited for a place on
// a node, its images were pulled, it ran. What is unknown is zero.
type Times struct{ Queued, Pulling, Running Span }

// Took is how long the job has gone on since its Job was created.
func (t Times) Took() time.Duration {
	var from, to time.Time
	for _, span := range []Span{t.Queued, t.Pulling, t.Running} {
		if from.IsZero() {
			from = span.From
		}
		if span.To.After(to) {
			to = span.To
		}
	}
	if from.IsZero() {
		return 0
	}
	return to.Sub(from)
}

func timesOf(s *v1alpha1.JobStatus, now time.Time) Times {
	start, end := moment(s.StartTime), moment(s.CompletionTime)
	if start.IsZero() {
		return Times{}
	}
	if end.IsZero() {
		end = now
	}
	return Times{Running: Span{start, later(start, end)}}
}

// later keeps a span from ending before it has begun: clocks differ.
func later(from, to time.Time) time.Time {
	if to.Before(from) {
		return from
	}
	return to
}

// moment is a time of a status, or zero.
func moment(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// took is how long something has gone on that may go on still.
func took(from, to, now time.Time) time.Duration {
	switch {
	case from.IsZero():
		return 0
	case to.IsZero():
		to = now
	}
	return later(from, to).Sub(from)
}
