package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Poll is how often a condition is looked at.
const Poll = 200 * time.Millisecond

// remind is how often a wait says again what it waits for.
const remind = 10 * time.Second

// Progress prints what is being done, each line with the time since the start.
// It may be used by several goroutines.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
}

// NewProgress returns a Progress that begins now.
func NewProgress(out io.Writer) *Progress { return &Progress{out: out, start: time.Now()} }

// Say prints a line.
func (p *Progress) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%6.1fs  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}

// Check looks at a condition once. The state says in a few words how far it is.
// An error ends the wait, unless it is a Retry.
type Check func(ctx context.Context) (done bool, state string, err error)

// Retry wraps an error that may pass by itself.
func Retry(err error) error { return &retry{err} }

type retry struct{ error }

func (r *retry) Unwrap() error { return r.error }

// Wait polls a condition until it holds, prints each new state, and gives up
// with the last one.
func (p *Progress) Wait(ctx context.Context, what string, timeout time.Duration, check Check) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began, said, last := time.Now(), time.Now(), ""
	p.Say("waiting for %s", what)
	for {
		done, state, err := check(ctx)
		var passing *retry
		switch {
		case err != nil && !errors.As(err, &passing) && ctx.Err() == nil:
			return fmt.Errorf("wait for %s: %w", what, err)
		case err != nil:
			state = err.Error()
		case done:
			return nil
		}
		if ctx.Err() == nil && (state != last || time.Since(said) >= remind) {
			p.Say("    %.0fs: %s", time.Since(began).Seconds(), strings.TrimSpace(state))
			said, last = time.Now(), state
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s (%w); the last state was: %s", time.Since(began).Round(time.Second), what, ctx.Err(), last)
		case <-time.After(Poll):
		}
	}
}
