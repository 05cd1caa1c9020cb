package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// afterwards is what a command that has started a Run does next.
type afterwards struct {
	logs    bool
	watch   bool
	wait    bool
	timeout time.Duration
}

func (a *afterwards) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVarP(&a.logs, "follow", "f", false, "print what its jobs print until the Run has ended, and end as it does")
	flags.BoolVarP(&a.watch, "watch", "w", false, "watch its jobs until the Run has ended, and end as it does")
	flags.BoolVar(&a.wait, "wait", false, "wait until the Run has ended, and end as it does")
	flags.DurationVar(&a.timeout, "timeout", 0, "how long to wait, 30m for one; then the exit code is 124, and the Run goes on (default without end)")
	cmd.MarkFlagsMutuallyExclusive("follow", "watch", "wait")
}

// check refuses flags that mean nothing without another.
func (a *afterwards) check() error {
	if a.timeout != 0 && !a.wait && !a.logs && !a.watch {
		return usage("--timeout takes --wait, --follow or --watch: nothing is waited for")
	}
	return nil
}

// follow does it. Who interrupts it is told that the Run goes on.
func (a *afterwards) follow(ctx context.Context, env *Env, run *v1alpha1.Run) error {
	switch {
	case a.logs:
		return env.within(ctx, a.timeout, run, func(ctx context.Context) error { return env.FollowLogs(ctx, run) })
	case a.watch:
		finder, err := env.finder()
		if err != nil {
			return err
		}
		return env.watch(ctx, finder, run, false, a.timeout)
	case !a.wait:
		return nil
	}
	return env.within(ctx, a.timeout, run, func(ctx context.Context) error {
		run, err := env.ended(ctx, run)
		if err != nil {
			return err
		}
		if err := env.sayEnded(run); err != nil {
			return err
		}
		return Outcome(run.Status.Phase)
	})
}

// sayEnded says in a line what has become of the Run.
func (e *Env) sayEnded(run *v1alpha1.Run) error {
	seen := view.Of(view.Facts{Run: run, Now: e.Now()})
	line := fmt.Sprintf("%s %s", seen.Address, seen.State.Word())
	if seen.Why != "" {
		line += ": " + seen.Why
	}
	_, err := fmt.Fprintln(e.Out, line)
	return err
}

// within has something that follows a Run take so long at most; 0 is without end. The
// Run goes on when its time is over and when the person has enough of it, which is
// said.
func (e *Env) within(ctx context.Context, timeout time.Duration, run *v1alpha1.Run, do func(context.Context) error) error {
	limited := ctx
	if timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	err := do(limited)
	var exit *ExitError
	switch {
	case err == nil || errors.As(err, &exit):
		return err
	case ctx.Err() != nil:
		e.sayGoesOn(run)
		return &ExitError{Code: ExitInterrupted}
	case limited.Err() != nil:
		return &ExitError{Code: ExitTimeout, Err: fmt.Errorf("wait for Run %s: it hasn't ended within %s, and goes on", view.Address(run), timeout)}
	}
	return err
}
