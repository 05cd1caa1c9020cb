package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/githost"
)

// Hosts opens git hosts.
type Hosts interface {
	// Asks reports whether the Trigger has credentials for its git host's API.
	Asks(trigger *v1alpha1.Trigger) bool
	// Open returns the host of a Trigger that has some.
	Open(ctx context.Context, trigger *v1alpha1.Trigger) (githost.Host, error)
}

// allowance is the time that git hosts have while a sender waits: hosts themselves wait
// for 10 s.
type allowance struct {
	// each host has so long for all questions of a request, and all of them together
	// have so long: a slow one is in nobody else's way.
	each, all time.Duration
	// reply is how long the answer to a command may take.
	reply time.Duration
}

func usualAllowance() allowance {
	return allowance{each: 5 * time.Second, all: 7 * time.Second, reply: 2 * time.Second}
}

// maxAway is how long a host that fails is left alone at most: somebody may wait for
// it.
const maxAway = 30 * time.Second

// inquiry is what one request asks of git hosts: each question once, and of a host that
// has failed none. It is for one goroutine.
type inquiry struct {
	hosts     Hosts
	allowance allowance
	clock     clock.PassiveClock
	breaker   *githost.Breaker[topic]
	// until is when all answers have to be there. Zero: nothing was asked.
	until   time.Time
	lines   map[access]*line
	answers map[question]word
	// memory is for the paths that are kept, and kept how much of it they take.
	memory *memory
	kept   int64
	// reply is for the author of the request's command, nil if there is none.
	reply *reply
}

// access is which host a Trigger asks, and by which credentials.
type access struct {
	namespace   string
	provider    v1alpha1.Provider
	api, secret string
}

func accessOf(trigger *v1alpha1.Trigger) access {
	report := trigger.Spec.Report
	if report == nil {
		return access{}
	}
	return access{trigger.Namespace, trigger.Spec.ReportProvider(), report.API, report.SecretRef.Name}
}

// topic is what a host is spoken to about. One that it fails at is left alone, and no
// other: anybody with a fork can have paths that take a host long to list.
type topic struct {
	access
	what string
}

// What hosts are spoken to about.
const (
	aboutWriters = "who may write"
	aboutPulls   = "pull requests"
	aboutPaths   = "changed paths"
	aboutReplies = "answers to commands"
)

// line is a host that is asked.
type line struct {
	host  githost.Host
	until time.Time
	// err is why it isn't asked any more.
	err error
}

// question is what may be asked, and word what came of it.
type (
	question struct {
		topic
		repository, user string
		of               githost.Change
	}
	word struct {
		value any
		err   error
	}
)

func (s *Server) newInquiry() *inquiry {
	return &inquiry{
		hosts: s.opts.Hosts, allowance: s.allowance, clock: s.opts.Clock, breaker: &s.away, memory: s.memory,
		lines: map[access]*line{}, answers: map[question]word{},
	}
}

// may reports whether the Trigger has a host to ask.
func (q *inquiry) may(trigger *v1alpha1.Trigger) bool {
	return q.hosts != nil && q.hosts.Asks(trigger)
}

// ask returns what the Trigger's host says, which is asked unless it has said it.
func ask[T any](ctx context.Context, q *inquiry, trigger *v1alpha1.Trigger, about question, put func(context.Context, githost.Host) (T, error)) (T, error) {
	about.access = accessOf(trigger)
	said, known := q.answers[about]
	if !known {
		said.err = q.talk(ctx, trigger, about.what, func(ctx context.Context, host githost.Host) error {
			value, err := put(ctx, host)
			said.value = value
			return err
		})
		q.answers[about] = said
	}
	value, _ := said.value.(T)
	return value, said.err
}

// talk has a function speak to the Trigger's host, which has a time of its own for an
// answer to a command.
func (q *inquiry) talk(ctx context.Context, trigger *v1alpha1.Trigger, what string, speak func(context.Context, githost.Host) error) error {
	to := topic{accessOf(trigger), what}
	l := q.line(to.access)
	if l.err != nil {
		return l.err
	}
	if left := q.breaker.Left(to, q.clock.Now()); left > 0 {
		return fmt.Errorf("the git host has failed or had enough, and is asked again in %s", printable.Duration(max(left.Round(time.Second), time.Second)))
	}
	until := l.until
	if what == aboutReplies {
		until = time.Now().Add(q.allowance.reply)
	}
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var err error
	if l.host == nil {
		l.host, err = q.hosts.Open(bounded, trigger)
	}
	if err == nil {
		err = speak(bounded, l.host)
	}
	switch {
	case err == nil:
		q.breaker.Close(to)
	case !fault.Is(err):
		l.err = err
		if ctx.Err() == nil {
			q.breaker.Note(to, err, q.clock.Now())
		}
	case l.host == nil:
		l.err = err
	}
	return err
}

// perText is what a text takes beside its bytes.
const perText = 16

// keep takes memory for paths until the inquiry ends.
func (q *inquiry) keep(ctx context.Context, paths []string) error {
	var size int64
	for _, path := range paths {
		size += int64(len(path)) + perText
	}
	if err := q.memory.take(ctx, size); err != nil {
		return err
	}
	q.kept += size
	return nil
}

// release gives back the memory of what was kept.
func (q *inquiry) release() { q.memory.release(q.kept) }

var errNoTimeLeft = errors.New("other git hosts have taken the time that there is for questions")

// line returns the line to a host, which is dead where no time is left for it.
func (q *inquiry) line(to access) *line {
	if known := q.lines[to]; known != nil {
		return known
	}
	now := time.Now()
	if q.until.IsZero() {
		q.until = now.Add(q.allowance.all)
	}
	l := &line{until: now.Add(q.allowance.each)}
	if q.until.Before(l.until) {
		l.until = q.until
	}
	if !now.Before(q.until) {
		l.err = errNoTimeLeft
	}
	q.lines[to] = l
	return l
}
