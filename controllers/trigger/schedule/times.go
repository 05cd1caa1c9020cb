// Package schedule starts Runs by the clock. Which time is due is decided from the
// schedule, the Trigger's status and the time that it is now, by pure functions; a
// Run has the name of its time, so that one that is started again after a crash is
// the same.
package schedule

import (
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// times are those of a Trigger's schedule.
type times struct {
	cron cron.Schedule
	// deadline is how late a Run may be started, and delay what jitter adds to each time.
	deadline, delay time.Duration
}

// turn is what a schedule asks for. Times are zero where there are none.
type turn struct {
	// due is the time to start a Run for.
	due time.Time
	// missed is the last time, if it is too late for a Run of it.
	missed time.Time
	// next is when the next Run is to be started, its delay included.
	next time.Time
}

// newTimes returns the times of a Trigger that has a schedule.
func newTimes(trigger *v1alpha1.Trigger) (times, error) {
	spec := trigger.Spec.Schedule
	zone, err := validation.TimeZone(spec.TimeZone)
	if err != nil {
		return times{}, err
	}
	parsed, err := validation.Cron(spec.Cron, zone)
	if err != nil {
		return times{}, err
	}
	t := times{cron: parsed, deadline: v1alpha1.DefaultStartingDeadline}
	if spec.StartingDeadline != nil {
		t.deadline = spec.StartingDeadline.Duration
	}
	if spec.Jitter != nil {
		t.delay = delay(trigger.Namespace, trigger.Name, spec.Jitter.Duration)
	}
	return t, nil
}

// delay is a part of the jitter in whole seconds, the same for the same Trigger.
func delay(namespace, name string, jitter time.Duration) time.Duration {
	hash := fnv.New64a()
	// A hash takes all that it is given.
	_, _ = hash.Write([]byte(namespace + "/" + name))
	return time.Duration(hash.Sum64()%uint64(jitter/time.Second+1)) * time.Second
}

// at returns what the schedule asks for now, of the times after since.
func (t times) at(since, now time.Time) turn {
	var found turn
	now = now.Add(-t.delay)
	switch last := t.last(since, now); {
	case last.IsZero():
	case now.Sub(last) > t.deadline:
		found.missed = last
	default:
		found.due = last
	}
	if since.After(now) {
		now = since
	}
	if next := t.cron.Next(now); !next.IsZero() {
		found.next = next.Add(t.delay)
	}
	return found
}

// last returns the last time after since, and not after now. Where years of them lie
// between, it goes through few: it halves what is left until a second is.
func (t times) last(since, now time.Time) time.Time {
	comes := func(after time.Time) bool {
		next := t.cron.Next(after)
		return !next.IsZero() && !next.After(now)
	}
	if !comes(since) {
		return time.Time{}
	}
	for until := now; until.Sub(since) > time.Second; {
		if middle := since.Add(until.Sub(since) / 2); comes(middle) {
			since = middle
		} else {
			until = middle
		}
	}
	return t.cron.Next(since)
}
