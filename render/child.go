package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stderrLimit is how much of the child's last words is kept: the Go runtime says
// first why it gives up.
const stderrLimit = 4 << 10

// outOfMemory is in what a process says that has hit its memory limit.
const outOfMemory = "out of memory"

// evaluate runs a child process over the entries. What it returns of the child
// is checked for form only: each answer belongs to the entry asked for.
func evaluate(ctx context.Context, command []string, req evaluation, limits Limits) ([]answer, error) {
	if len(command) == 0 {
		return nil, errors.New("render: Options.Exec is blank")
	}
	input, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode the evaluation: %w", err)
	}
	stderr := &head{limit: stderrLimit}
	cmd := newChild(ctx, command, input, stderr)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the evaluation: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the evaluation: %w", err)
	}
	reader := &answerReader{
		limited: &io.LimitedReader{R: stdout, N: limits.Output + 1},
		entries: req.Entries,
	}
	answers, readErr := reader.all()
	ended := reader.limited.N > 0 && (errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF))
	if readErr != nil && !ended {
		_ = killGroup(cmd)
	}
	waitErr := cmd.Wait()
	switch {
	case readErr == nil && waitErr == nil:
		return answers, nil
	case ended && waitErr != nil, readErr == nil:
		readErr = waitErr
	}
	return nil, reader.blame(ctx, readErr, stderr.String(), limits)
}

// newChild prepares a process of a group of its own, with nothing of this
// process's environment.
func newChild(ctx context.Context, command []string, input []byte, stderr io.Writer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = stderr
	cmd.SysProcAttr = processGroup()
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// answerReader reads the child's answers for the entries, in their order.
type answerReader struct {
	limited *io.LimitedReader
	entries []string
	// current is the entry that is being evaluated: the one to blame for a crash.
	current string
}

func (r *answerReader) all() ([]answer, error) {
	decoder := json.NewDecoder(r.limited)
	answers := make([]answer, 0, len(r.entries))
	for _, file := range r.entries {
		begin, err := r.next(decoder, file)
		if err != nil {
			return nil, err
		}
		if !begin.Begin {
			return nil, fmt.Errorf("unexpected answer for %s", file)
		}
		r.current = file
		outcome, err := r.next(decoder, file)
		if err != nil {
			return nil, err
		}
		if outcome.Begin || (outcome.Error == nil) == (outcome.Value == nil) {
			return nil, fmt.Errorf("unexpected answer for %s", file)
		}
		answers = append(answers, outcome)
	}
	return answers, nil
}

func (r *answerReader) next(decoder *json.Decoder, file string) (answer, error) {
	var a answer
	if err := decoder.Decode(&a); err != nil {
		return a, err
	}
	if a.File != file {
		return a, fmt.Errorf("unexpected answer for %s", file)
	}
	return a, nil
}

// blame turns a failed child into an error of the entry that it failed at, or
// of the world if it never got to one.
func (r *answerReader) blame(ctx context.Context, err error, stderr string, limits Limits) error {
	fault := Error{File: r.current}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("evaluation was cancelled: %w", ctx.Err())
	case ctx.Err() != nil:
		fault.Message, fault.cause = "the evaluation did not finish in time", ctx.Err()
	case r.limited.N <= 0:
		fault.Message = fmt.Sprintf("the output of all files is more than %d MiB", limits.Output>>20)
	case isOutOfMemory(stderr):
		fault.Message = fmt.Sprintf("the evaluation needs more than %d MiB of memory", limits.Memory>>20)
	case strings.Contains(stderr, "stack exceeds") || strings.Contains(stderr, "stack overflow"):
		fault.Message = "the evaluation ran out of stack: the file nests or recurses too deeply"
	case strings.Contains(err.Error(), "exceeded max depth"):
		fault.Message = "the output is nested too deeply"
	default:
		line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
		fault.Message = strings.TrimSuffix(fmt.Sprintf("the evaluation crashed: %v: %s", err, line), ": ")
	}
	if r.current == "" && ctx.Err() == nil {
		return errors.New(fault.Message)
	}
	return Errors{fault}
}

// isOutOfMemory knows what the Go runtime says when the kernel gives it no more
// memory, depending on what it was about to do. A fault outside of Go code is one
// of these: a nil pointer in Go code is a panic.
func isOutOfMemory(stderr string) bool {
	if strings.HasPrefix(stderr, "SIGSEGV") {
		return true
	}
	for _, text := range []string{outOfMemory, "cannot allocate memory", "cannot map pages", "failed to create new OS thread"} {
		if strings.Contains(stderr, text) {
			return true
		}
	}
	return false
}

// head keeps the first bytes that are written to it and drops the rest.
type head struct {
	limit int
	buf   bytes.Buffer
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.limit - h.buf.Len(); room > 0 {
		h.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (h *head) String() string { return h.buf.String() }
