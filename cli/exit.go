package cli

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Exit codes of the commands. Those that follow a Run end as the Run did.
const (
	// ExitFailed says that the Run has failed, or that there is a difference or a
	// finding, where a command looks for them.
	ExitFailed = 1
	// ExitFault says that the command itself went wrong: it was called in a wrong way,
	// what it names isn't there, the API server couldn't be reached.
	ExitFault = 2
	// ExitCancelled says that the Run was cancelled.
	ExitCancelled = 3
	// ExitForbidden says that the person lacks a right.
	ExitForbidden = 4
	// ExitTimeout says that --timeout was over.
	ExitTimeout = 124
	// ExitInterrupted says that the person ended the command, by Ctrl-C.
	ExitInterrupted = 130
)

// ExitError is an error with the exit code that it ends the program with.
type ExitError struct {
	Code int
	// Err is what is said of it; nil where all has been said.
	Err error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// Outcome returns how a command ends that has followed a Run to its end: nil of one
// that has succeeded. It says nothing: what the Run came to has been shown, or is
// asked for by the exit code.
func Outcome(phase v1alpha1.RunPhase) error {
	switch phase {
	case v1alpha1.RunFailed:
		return &ExitError{Code: ExitFailed}
	case v1alpha1.RunCancelled:
		return &ExitError{Code: ExitCancelled}
	default:
		return nil
	}
}

// usage is an error in how a command was called.
func usage(format string, args ...any) error {
	return &ExitError{Code: ExitFault, Err: fmt.Errorf(format, args...)}
}

// code of an error that a command has returned. The context is the program's: it is
// done when the person has interrupted it, whatever error came of that.
func code(ctx context.Context, err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	case ctx.Err() != nil:
		return ExitInterrupted
	case apierrors.IsForbidden(err):
		return ExitForbidden
	default:
		return ExitFault
	}
}
