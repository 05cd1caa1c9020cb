package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
)

type syncCommand struct {
	*Env
	wait    bool
	timeout time.Duration
}

func newSyncCommand(env *Env) *cobra.Command {
	sync := &syncCommand{Env: env}
	cmd := &cobra.Command{
		Use:   "sync [CONFIGREPO]",
		Short: "Have a ConfigRepo look at its repository now",
		Long: "Have a ConfigRepo look at its repository now, and not when its interval is over. With --wait\n" +
			"the exit code is 0 if the sync went well, and 1 if not: the reason is printed.\n\n" +
			"Without CONFIGREPO the only one of the namespace is meant.",
		Example:           "  kayci sync config --wait",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(completeConfigRepos),
		RunE:              func(cmd *cobra.Command, args []string) error { return sync.do(cmd.Context(), args) },
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&sync.wait, "wait", false, "wait until the look has been taken, and say what came of it")
	cmd.Flags().DurationVar(&sync.timeout, "timeout", 0, "how long to wait, 5m for one; then the exit code is 124 (default without end)")
	return cmd
}

func (s *syncCommand) do(ctx context.Context, args []string) error {
	if s.timeout != 0 && !s.wait {
		return usage("--timeout takes --wait: nothing is waited for")
	}
	finder, err := s.finder()
	if err != nil {
		return err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	repo, err := finder.ConfigRepo(ctx, name)
	if err != nil {
		return err
	}
	c, err := s.Cluster.Client()
	if err != nil {
		return err
	}
	mark, err := act.Sync(ctx, c, repo, s.Now())
	if err != nil {
		return err
	}
	if !s.wait {
		_, err = fmt.Fprintf(s.Out, "ConfigRepo %s is asked to sync.\n", repo.Name)
		return err
	}
	return s.outcome(ctx, repo, mark)
}

// outcome waits for the look that was asked for. Its result is written with the mark.
func (s *syncCommand) outcome(ctx context.Context, repo *v1alpha1.ConfigRepo, mark string) error {
	follower, err := s.follower()
	if err != nil {
		return err
	}
	limited := ctx
	if s.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	after, err := follower.ConfigRepo(limited, repo, func(r *v1alpha1.ConfigRepo) (bool, error) {
		return r.Status.LastHandledReconcileAt == mark, nil
	})
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return &ExitError{Code: ExitTimeout, Err: fmt.Errorf("ConfigRepo %s hasn't synced within %s: `kubectl describe configrepo %s` says what is in its way", repo.Name, s.timeout, repo.Name)}
	case err != nil:
		return err
	}
	ready := apimeta.FindStatusCondition(after.Status.Conditions, meta.ReadyCondition)
	if ready == nil {
		ready = &metav1.Condition{Message: "it doesn't say how it went"}
	}
	said := printable.Text(strings.Join(strings.Fields(ready.Message), " "))
	if _, err := fmt.Fprintf(s.Out, "ConfigRepo %s: %s\n", repo.Name, said); err != nil {
		return err
	}
	if ready.Status != metav1.ConditionTrue {
		return &ExitError{Code: ExitFailed}
	}
	return nil
}
