// Package doctor holds the command that says what is wrong with KayCI in a cluster.
package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/doctor/checkup"
	"github.com/kayci/kayci/cli/terminal"
)

type flags struct {
	env     *cli.Env
	all     bool
	output  string
	timeout time.Duration
}

// Command returns it.
func Command(env *cli.Env) *cobra.Command {
	f := flags{env: env}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with KayCI in the cluster",
		Long: "Look at everything that Runs rest on, and say of each whether it is right and, if not,\n" +
			"what would help: the cluster's version, KayCI's CRDs, its controller and what that may\n" +
			"do, its admission webhook and how long the certificate lasts, whether the store answers,\n" +
			"what you may do yourself, ConfigRepos and Triggers that are not ready, and Runs that wait.\n\n" +
			"Nothing is changed. What you may not read is said, and is nothing wrong.\n\n" +
			"The exit code is 1 if something is wrong.",
		Example: "  kayci doctor -n ci\n" +
			"  kayci doctor -A -o json",
		Args: cobra.NoArgs,
		RunE: f.run,
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().BoolVarP(&f.all, "all-namespaces", "A", false, "look at the ConfigRepos, Triggers and Runs of all namespaces")
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "text or json")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "when to give up")
	return cmd
}

func (f *flags) run(cmd *cobra.Command, _ []string) error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("--output is %q: it takes text or json", f.output)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	facts, err := gather(ctx, f.env, f.all)
	if err != nil {
		return err
	}
	lines := checkup.Lines(facts)
	if err := f.print(f.env.Out, lines); err != nil {
		return err
	}
	if !checkup.Healthy(lines) {
		return &cli.ExitError{Code: cli.ExitFailed}
	}
	return nil
}

func (f *flags) print(out io.Writer, lines []checkup.Line) error {
	if f.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(lines)
	}
	var text strings.Builder
	for _, line := range lines {
		level := f.env.Terminal.Paint(style(line.Level), fmt.Sprintf("%s %-7s", line.Level.Symbol(), line.Level))
		fmt.Fprintf(&text, "%s %s: %s\n", level, line.About, line.Text)
		if line.Do != "" {
			fmt.Fprintf(&text, "          %s\n", line.Do)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func style(level checkup.Level) terminal.Style {
	switch level {
	case checkup.Good:
		return terminal.Green
	case checkup.Note, checkup.Unknown:
		return terminal.Yellow
	default:
		return terminal.Red
	}
}
