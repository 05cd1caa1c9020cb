package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNobody says that a question can't be asked: there is no terminal to ask at.
var ErrNobody = errors.New("nobody can be asked: this is no terminal")

// Interactive reports whether somebody can be asked. Questions go to standard error:
// standard output may be a file that they'd be lost in.
func (t *Terminal) Interactive() bool { return t.In && t.Err }

// Ask asks for a line, and returns the default for a blank one.
func (t *Terminal) Ask(ctx context.Context, question, byDefault string) (string, error) {
	if !t.Interactive() {
		return "", ErrNobody
	}
	if byDefault != "" {
		question += " [" + byDefault + "]"
	}
	if _, err := fmt.Fprint(t.err, question+": "); err != nil {
		return "", err
	}
	line, err := t.line(ctx)
	if err != nil {
		return "", err
	}
	if line == "" {
		return byDefault, nil
	}
	return line, nil
}

// Confirm asks a question that only yes, in letters, says yes to.
func (t *Terminal) Confirm(ctx context.Context, question string) (bool, error) {
	answer, err := t.Ask(ctx, question+" (yes/no)", "no")
	return err == nil && yes(answer), err
}

func yes(answer string) bool {
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// line reads one, or until the context is done. The read itself can't be taken back:
// the program ends then.
func (t *Terminal) line(ctx context.Context) (string, error) {
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(oneByOne{t.in}).ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		done <- read{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-done:
		if r.err != nil {
			return "", fmt.Errorf("read the answer: %w", r.err)
		}
		return r.line, nil
	}
}

// oneByOne reads no byte beyond the one that is asked for: the next question's answer
// may follow.
type oneByOne struct{ io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(1, len(p))]) }
