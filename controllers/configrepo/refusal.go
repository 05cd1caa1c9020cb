package configrepo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
	"github.com/kayci/kayci/sync/git"
)

const (
	// connections is how many servers are talked to at once, and connectionSlice
	// how long one that is slow counts among them.
	connections     = 16
	connectionSlice = 10 * time.Second

	// evaluationSlice is how long the first evaluation of a commit may keep others
	// waiting, and maxEvaluationSlice a later one. While nobody waits an evaluation
	// has all of spec.timeout.
	evaluationSlice    = 5 * time.Second
	maxEvaluationSlice = time.Minute

	// firstWait passes before a commit is evaluated again that took too long. It
	// doubles each time, up to maxWait.
	firstWait = 30 * time.Second
	maxWait   = time.Hour
)

// refusal is a commit that can't be turned into objects, by itself or with the
// defaults for jobs. It is evaluated once, not at each look: the same files have
// the same faults. A process that is started anew looks anew.
type refusal struct {
	rendering string
	// timeout is the limit that was in force.
	timeout time.Duration
	err     error
	// until is when another try may end otherwise. Zero: never.
	until time.Time
	tries int
}

// of returns what is known against a rendering, or nil. Its receiver may be nil.
func (r *refusal) of(rendering string, limit time.Duration, now time.Time) error {
	if r == nil || r.rendering != rendering || r.timeout != limit || !r.until.IsZero() && !now.Before(r.until) {
		return nil
	}
	return r.err
}

// slice is how long the next evaluation may keep others waiting: longer each time,
// so that one that needs long gets there although others never cease to come.
func (r *refusal) slice(rendering string) time.Duration {
	if r == nil || r.rendering != rendering {
		return evaluationSlice
	}
	return doubled(evaluationSlice, r.tries, maxEvaluationSlice)
}

// doubled is first, doubled times times, and at most limit.
func doubled(first time.Duration, times int, limit time.Duration) time.Duration {
	const enough = 16 // more would overflow
	return min(first<<min(times, enough), limit)
}

// refuse remembers an error if asking again soon can't help, and returns what to
// report.
func (k *knowledge) refuse(rendering string, limit time.Duration, err error, now time.Time) error {
	if !isFinal(err) && !isSlow(err) {
		return err
	}
	r := &refusal{rendering: rendering, timeout: limit, err: err}
	if k.refusal != nil && k.refusal.rendering == rendering {
		r.tries = k.refusal.tries
	}
	if isSlow(err) {
		r.until = now.Add(doubled(firstWait, r.tries, maxWait))
		found := classify(err)
		found.stalled, found.retryAt = false, r.until
		r.err = found
	}
	r.tries++
	k.refusal = r
	return r.err
}

// isSlow reports whether an evaluation was ended from outside: it might end well
// another time.
func isSlow(err error) bool {
	var files render.Errors
	var own *failure
	switch {
	case errors.As(err, &own):
		return own.reason == ReasonEvaluationStopped
	case errors.As(err, &files):
		return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, render.ErrCrashed)
	default:
		return false
	}
}

// isFinal reports whether an error is the commit's own, or that of it with the
// defaults for jobs.
func isFinal(err error) bool {
	if _, ok := errors.AsType[render.Errors](err); ok {
		return !isSlow(err)
	}
	if _, ok := errors.AsType[*apply.RefusedError](err); ok {
		return true
	}
	fetch, ok := errors.AsType[*git.Error](err)
	return ok && (fetch.Reason == git.ReasonTooLarge || fetch.Reason == git.ReasonInvalidTree)
}

func overtaken(slice time.Duration) error {
	return &failure{
		reason:  ReasonEvaluationStopped,
		message: fmt.Sprintf("the evaluation was stopped after %s because other ConfigRepos were waiting for theirs; it is tried again", slice),
	}
}
