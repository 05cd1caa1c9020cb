package render

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// stderrLimit is how much of the child's last words is kept: the Go runtime says
// first why it gives up.
const stderrLimit = 4 << 10

// outOfMemory is in what a process says that has hit its memory limit.
const outOfMemory = "out of memory"

// ErrCrashed is in the chain of an error whose cause isn't known to be the files:
// something, perhaps the kernel for want of memory, has ended the evaluation.
var ErrCrashed = errors.New("the evaluation crashed")

// evaluate runs a child process over the entries and hands its answers on. Of
// these only the form is checked: each belongs to the entry that is its turn. What
// the other files yield is known.
func evaluate(ctx context.Context, command []string, req evaluation, files []string, to *decoder) error {
	if len(req.Entries) == 0 {
		return newAnswerReader(strings.NewReader(""), req, files, to).all(ctx)
	}
	if len(command) == 0 {
		return errors.New("render: Options.Exec is blank")
	}
	input, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode the evaluation: %w", err)
	}
	stderr := &head{limit: stderrLimit}
	cmd := newChild(ctx, command, input, stderr)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the evaluation: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the evaluation: %w", err)
	}
	reader := newAnswerReader(stdout, req, files, to)
	readErr := reader.all(ctx)
	ended := reader.limited.N > 0 && errors.Is(readErr, io.EOF)
	if readErr != nil && !ended {
		_ = killGroup(cmd)
	}
	waitErr := cmd.Wait()
	switch {
	case readErr == nil && waitErr == nil:
		return nil
	case ended && waitErr != nil, readErr == nil:
		readErr = waitErr
	}
	return reader.blame(ctx, readErr, stderr.String())
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

// answerReader reads the child's answers for those files that aren't known, in
// their order.
type answerReader struct {
	limited *io.LimitedReader
	lines   *bufio.Reader
	files   []string
	to      *decoder
	// output is what is left of the limit for what files yield.
	output int64
	// most bytes that one answer may have.
	most int
	// current is the entry that is being evaluated: the one to blame for a crash.
	current string
}

// lookedOutput bounds what the child says of paths, beside what files yield, and
// lookedOfOne what it says of an entry's. lookedAround is the rest of such an answer.
const (
	lookedOutput = 8 << 20
	lookedOfOne  = 512 << 10
	lookedAround = 100
)

var errOutput = errors.New("the output is too large")

func newAnswerReader(stdout io.Reader, req evaluation, files []string, to *decoder) *answerReader {
	output := req.Limits.Output - to.heldAll.output
	limited := &io.LimitedReader{R: stdout, N: output + lookedOutput + 1}
	const (
		// perByte is an object's lines, of which each value has one: a value has a
		// byte at least and a line a few digits.
		perByte = 10
		// around is the rest of an answer: names, and texts of faults.
		around = 1 << 20
	)
	return &answerReader{
		limited: limited, lines: bufio.NewReader(limited), files: files, to: to, output: output,
		most: perByte*req.Limits.Size + around,
	}
}

func (r *answerReader) all(ctx context.Context) error {
	for _, file := range r.files {
		if known := r.to.held[file]; known != nil {
			r.to.recall(file, known)
		} else if err := r.entry(ctx, file); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *answerReader) entry(ctx context.Context, file string) error {
	begin, err := r.next(file)
	if err != nil {
		return err
	}
	if !begin.Begin {
		return unexpected(file)
	}
	r.current = file
	r.to.begin()
	before := r.output
	for {
		a, err := r.next(file)
		if err != nil {
			return err
		}
		switch {
		case a.Begin:
			return unexpected(file)
		case a.End:
			r.to.end(a, before-r.output)
			return nil
		}
		if err := r.to.take(ctx, a); err != nil {
			return err
		}
	}
}

func unexpected(file string) error { return fmt.Errorf("unexpected answer for %s", file) }

func (r *answerReader) next(file string) (answer, error) {
	var a answer
	line, err := r.line()
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	if a.File != file || !a.sound() {
		return a, unexpected(file)
	}
	if len(a.Looked) == 0 {
		r.output -= int64(len(line))
	}
	if r.output < 0 {
		return a, errOutput
	}
	return a, nil
}

// line reads one answer: what is longer than any is not kept.
func (r *answerReader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		if len(line)+len(part) > r.most {
			return nil, errors.New("an answer is too long")
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return nil, err
		default:
			return line, nil
		}
	}
}

// blame turns a failed child into an error of the entry that it failed at, after
// those of the entries before, or of the world if it never got to one.
func (r *answerReader) blame(ctx context.Context, err error, stderr string) error {
	limits := r.to.limits
	fault := Error{File: r.current}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("evaluation was cancelled: %w", ctx.Err())
	case ctx.Err() != nil:
		fault.Message, fault.cause = "the evaluation did not finish in time", ctx.Err()
	case r.limited.N <= 0, errors.Is(err, errOutput):
		fault.Message = fmt.Sprintf("the output of all files is more than %d MiB", limits.Output>>20)
	case isOutOfMemory(stderr):
		fault.Message = fmt.Sprintf("the evaluation needs more than %d MiB of memory", limits.Memory>>20)
	case strings.Contains(stderr, "stack exceeds") || strings.Contains(stderr, "stack overflow"):
		fault.Message = "the evaluation ran out of stack: the file nests or recurses too deeply"
	default:
		line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
		fault.Message = strings.TrimSuffix(fmt.Sprintf("the evaluation crashed: %v: %s", err, line), ": ")
		fault.cause = ErrCrashed
	}
	if r.current == "" && ctx.Err() == nil {
		return errors.New(fault.Message)
	}
	return append(r.to.errs, fault)
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
