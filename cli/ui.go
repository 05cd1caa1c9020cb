package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/web"
)

func newUICommand(env *Env) *cobra.Command {
	var port int
	var stay bool
	cmd := &cobra.Command{
		Use:   "ui [RUN]",
		Short: "Serve the web page on this machine, with your own rights, and open it",
		Long: "Serve the web page on this machine, with the rights of your kubeconfig, and open it in a\n" +
			"browser: at the Run, or else at the namespace. Nobody else can reach it: it listens on the\n" +
			"loopback alone, and answers the browser that the printed address is opened in first.\n\n" + addressing,
		Example:           "  kayci ui\n  kayci ui web/12 --port 8090 --no-browser",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := env.pathOf(cmd, args)
			if err != nil {
				return err
			}
			config, err := env.Cluster.Config()
			if err != nil {
				return err
			}
			store, err := env.Cluster.Store()
			if err != nil {
				return err
			}
			page, err := web.Listen(cmd.Context(), config, store, port)
			if err != nil {
				return err
			}
			address := page.Address(path)
			fmt.Fprintf(env.Out, "%s\nThe address is good for one browser. Ctrl-C ends the page.\n", address)
			if env.Terminal.Out && !stay {
				if err := browse(cmd.Context(), runtime.GOOS, address); err != nil {
					fmt.Fprintf(env.Err, "%s: %v: open the address yourself\n", env.Name, err)
				}
			}
			return page.Serve(cmd.Context())
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().IntVar(&port, "port", 0, "port of the loopback (default one that is free)")
	cmd.Flags().BoolVar(&stay, "no-browser", false, "only print the address")
	return cmd
}

// pathOf is the page to begin at.
func (e *Env) pathOf(cmd *cobra.Command, args []string) (string, error) {
	if len(args) == 0 {
		namespace, err := e.Cluster.Namespace()
		return web.NamespacePath(namespace), err
	}
	run, err := e.run(cmd.Context(), args)
	if err != nil {
		return "", err
	}
	return web.RunPath(run.Namespace, run.Name), nil
}
