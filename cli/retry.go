package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/runs/act"
)

func newRetryCommand(env *Env) *cobra.Command {
	var output Output
	var then afterwards
	cmd := &cobra.Command{
		Use:   "retry [RUN]",
		Short: "Run again what has failed of a Run",
		Long: "Start another Run that executes what a failed or cancelled one did, with its revision and\n" +
			"parameters. Jobs that had succeeded, and need none that didn't, aren't run again.\n\n" + unaddressed,
		Example:           "  kayci retry web/12 -f",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(output.Check(), then.check()); err != nil {
				return err
			}
			run, err := env.runThatIsThere(cmd.Context(), args)
			if err != nil {
				return err
			}
			c, err := env.Cluster.Client()
			if err != nil {
				return err
			}
			again, err := act.Retry(cmd.Context(), c, run)
			if err != nil {
				return err
			}
			if _, own := output.Own(); own {
				err = env.sayStarted(again)
			} else {
				err = output.Write(env.Out, again)
			}
			if err != nil {
				return err
			}
			return then.follow(cmd.Context(), env, again)
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	output.AddFlag(cmd, asText)
	then.addFlags(cmd)
	return cmd
}
