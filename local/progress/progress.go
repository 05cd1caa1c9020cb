// Package progress tells a person what a program is doing and for how long.
package progress

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Printer writes lines that begin with the time since its making. On a terminal
// a running step is shown on a line that is redrawn; elsewhere, as in a CI log,
// it is repeated every ten seconds.
type Printer struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	start    time.Time
	mu       sync.Mutex
}

// New returns a printer that writes to out.
func New(out io.Writer, terminal bool, now func() time.Time) *Printer {
	return &Printer{out: out, terminal: terminal, now: now, start: now()}
}

// Say writes a line.
func (p *Printer) Say(format string, args ...any) {
	p.line("\n", fmt.Sprintf(format, args...))
}

func (p *Printer) line(end, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begin, rest := "", ""
	if p.terminal {
		begin, rest = "\r", "\x1b[K"
	}
	fmt.Fprintf(p.out, "%s%6.1fs  %s%s%s", begin, p.now().Sub(p.start).Seconds(), text, rest, end)
}

// Step runs f, which reports what it is at. The text says what is being done.
func (p *Printer) Step(text string, f func(report func(string)) error) error {
	var mu sync.Mutex
	var detail string
	report := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		detail = s
	}
	show := func(end string) {
		mu.Lock()
		line := text + " …"
		if detail != "" {
			line += " " + detail
		}
		mu.Unlock()
		p.line(end, line)
	}
	stop := p.repeat(show)
	err := f(report)
	stop()
	if err != nil {
		p.Say("%s: failed", text)
		return err
	}
	p.Say("%s: done", text)
	return nil
}

// repeat shows a step until it is stopped.
func (p *Printer) repeat(show func(end string)) (stop func()) {
	every, end := 10*time.Second, "\n"
	if p.terminal {
		every, end = time.Second, ""
		show(end)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				show(end)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// Wait asks until the answer is nil, at most for limit. stop is asked too: an
// error of its own ends the wait, as nothing is to be hoped for then.
func (p *Printer) Wait(ctx context.Context, text string, limit time.Duration, ask, stop func(context.Context) error) error {
	return p.Step("waiting until "+text, func(report func(string)) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			err := ask(ctx)
			if err == nil {
				return nil
			}
			report("(" + err.Error() + ")")
			if fatal := stop(ctx); fatal != nil {
				return fatal
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("waited %s until %s: %w", limit, text, err)
			case <-tick.C:
			}
		}
	})
}
