// Package fault tells errors apart by who ends them. A person ends an Error, and
// trying again before that is useless. Time ends a WaitError. Any other error is
// the world's: it goes back to the queue, which tries again later and later. It is
// pure.
package fault

import (
	"errors"
	"time"
)

// Error is an error that somebody must act on.
type Error struct {
	// Reason is a condition's. Blank where none is reported.
	Reason string
	// Message says what is wrong, and perhaps what to do.
	Message string
	// Cause is what errors.Is finds in it. nil: nothing.
	Cause error
}

// New returns an Error. The reason may be blank.
func New(reason, message string) error { return &Error{Reason: reason, Message: message} }

// Error has the reason, too.
func (e *Error) Error() string { return text(e.Reason, e.Message) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// WaitError is an error that time may end.
type WaitError struct {
	// Reason is a condition's, and Message says what is waited for.
	Reason, Message string
	// After is when to look again at the latest.
	After time.Duration
}

// NewWait returns a WaitError.
func NewWait(reason, message string, after time.Duration) error {
	return &WaitError{Reason: reason, Message: message, After: after}
}

// Error has the reason, too.
func (w *WaitError) Error() string { return text(w.Reason, w.Message) }

// Of returns the Error or the WaitError that err is or wraps. Both are nil if err
// is the world's, or nil.
func Of(err error) (*Error, *WaitError) {
	if fault, is := errors.AsType[*Error](err); is {
		return fault, nil
	}
	wait, _ := errors.AsType[*WaitError](err)
	return nil, wait
}

// Is reports whether somebody must act on the error.
func Is(err error) bool {
	fault, _ := Of(err)
	return fault != nil
}

func text(reason, message string) string {
	if reason == "" {
		return message
	}
	return reason + ": " + message
}
