package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/runs/view"
)

func newCancelCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel [RUN]",
		Short: "Stop a Run",
		Long: "Stop a Run: what runs is stopped and keeps its logs, and nothing more is started but\n" +
			"finally jobs. It can't be taken back.\n\n" +
			"Without RUN the one that is active is meant; if there are several you are asked, or told\n" +
			"to say which.\n\n" + addressing,
		Example:           "  kayci cancel web/12",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := env.runToChange(cmd.Context(), args, func(r *v1alpha1.Run) bool { return !r.Status.Phase.Finished() }, "is active")
			if err != nil {
				return err
			}
			c, err := env.Cluster.Client()
			if err != nil {
				return err
			}
			_, changed, err := act.Cancel(cmd.Context(), c, run)
			if err != nil {
				return err
			}
			said := "is told to stop"
			if !changed {
				said = "was told to stop before"
			}
			_, err = fmt.Fprintf(env.Out, "Run %s %s.\n", view.Address(run), said)
			return err
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	return cmd
}
