package view

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Span is a time from its begin to its end. Of one that goes on the end is now. One that
// has not begun is zero.
type Span struct{ From, To time.Time }

// Length of the span.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Times are what became of the time of a job since it was due: it waited for a place on
// a node, its images were pulled, it ran. What is unknown is zero.
type Times struct{ Queued, Pulling, Running Span }

// Took is how long the job has gone on since it was due.
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

// timesOf says what became of a job's time. Its pods know it before the status does. An
// older version has recorded as the start when the Job was created, and nothing else.
func timesOf(s *v1alpha1.JobStatus, pods []corev1.Pod, now time.Time) Times {
	known := evidence.Times{Scheduled: s.ScheduledTime, Started: s.StartTime}
	end := moment(s.CompletionTime)
	if end.IsZero() {
		end = now
	}
	if s.QueuedTime != nil && !s.Phase.Finished() && !several(pods) {
		known = evidence.NewestTimes(pods).Over(known)
	}
	spans := [3]Span{{From: moment(s.QueuedTime)}, {From: moment(known.Scheduled)}, {From: moment(known.Started)}}
	for i := range spans {
		span := &spans[i]
		if span.From.IsZero() {
			continue
		}
		span.To = later(span.From, end)
		for _, next := range spans[i+1:] {
			if !next.From.IsZero() {
				span.To = later(span.From, next.From)
				break
			}
		}
	}
	return Times{Queued: spans[0], Pulling: spans[1], Running: spans[2]}
}

// several reports whether pods run beside each other, of which none is the job's newest
// attempt.
func several(pods []corev1.Pod) bool {
	live := 0
	for i := range pods {
		if !evidence.Ended(&pods[i]) {
			live++
		}
	}
	return live > 1
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
