package run

import (
	"errors"
	"time"
)

// fault is an error that only another Run can help: trying again is useless.
type fault struct {
	reason, message string
}

func (f *fault) Error() string { return f.reason + ": " + f.message }

func isFault(err error) bool {
	_, is := errors.AsType[*fault](err)
	return is
}

// wait is an error that time may help: the Run says what it waits for, and looks
// again after that time at the latest.
type wait struct {
	reason, message string
	after           time.Duration
}

func (w *wait) Error() string { return w.reason + ": " + w.message }
