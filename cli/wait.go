package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

func newWaitCommand(env *Env) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "wait [RUN]",
		Short: "Wait until a Run has ended",
		Long: "Wait until a Run has ended. Nothing is printed; the exit code is the Run's: 0 Succeeded,\n" +
			"1 Failed, 3 Cancelled, and 124 if --timeout was over before.\n\n" + unaddressed,
		Example:           "  kayci wait web/12 --timeout 30m && echo passed",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := env.run(cmd.Context(), args)
			if err != nil {
				return err
			}
			return env.within(cmd.Context(), timeout, run, func(ctx context.Context) error {
				ended, err := env.ended(ctx, run)
				if err != nil {
					return err
				}
				return Outcome(ended.Status.Phase)
			})
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait, 30m for one (default without end)")
	return cmd
}
