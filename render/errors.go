package render

import (
	"fmt"
	"strings"
)

// Error is one fault of a commit.
type Error struct {
	// File is the entry file, relative to the commit's root.
	File string
	// Line of the file, or 0 when it isn't known.
	Line int
	// Object is Kind/name of the faulty object, or its place in the entry's output.
	// Blank when the file as a whole is at fault.
	Object string
	// Field is the path of the faulty field in the object, or blank.
	Field string
	// Message says what is wrong. It may have several lines.
	Message string

	cause error
}

// Error returns file:line: object: field: message, as far as they are known.
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	for _, part := range []string{e.Object, e.Field, e.Message} {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// Unwrap returns context.DeadlineExceeded when the evaluation took too long,
// ErrCrashed when it was ended by something unknown, and nil otherwise.
func (e Error) Unwrap() error { return e.cause }

// Errors are the faults of a commit, in the order of files. There is at least
// one.
type Errors []Error

// Error returns one fault per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is find a context's error.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// with appends an error unless there are already limit of them; one more place is
// used to say that others were left out.
func (e Errors) with(limit int, err Error) Errors {
	switch {
	case len(e) < limit:
		return append(e, err)
	case len(e) == limit:
		return append(e, Error{Message: fmt.Sprintf("only the first %d errors are shown", limit)})
	default:
		return e
	}
}

// lineError is a fault of a file whose line is known.
type lineError struct {
	line    int
	message string
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.message) }
