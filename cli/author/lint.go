package author

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/author/finding"
	"github.com/kayci/kayci/render"
)

// allFaults is more than anyone reads: every fault is to be known, within bounds.
const allFaults = 10_000

type lintFlags struct {
	folder
	output string
}

func newLintCommand(tools *Tools) *cobra.Command {
	flags := lintFlags{folder: folder{tools: tools}}
	cmd := &cobra.Command{
		Use:   "lint [DIR]",
		Short: "Say what is wrong with the files of DIR",
		Long: "Say everything for which a sync of DIR, or the admission webhook, would refuse its\n" +
			"files: of each its file, its line where the field stands in YAML or JSON, the object\n" +
			"and the field.\n\n" +
			"DIR is the root of a config repository, or the current folder. No cluster is asked,\n" +
			"unless --configrepo names a ConfigRepo: `kayci diff` knows what only an API server can\n" +
			"say.\n\n" +
			"-o github writes the commands by which GitHub Actions marks the lines of a pull\n" +
			"request, and -o sarif a log of SARIF 2.1.0.\n\n" +
			"The exit code is 0 if nothing is wrong, 1 if something is, and 2 if that can't be found\n" +
			"out.",
		Example: "  kayci lint\n" +
			"  kayci lint ~/src/pipelines --path ci --var registry=registry.example.com\n" +
			"  kayci lint -o sarif > kayci.sarif",
		Args: cobra.MaximumNArgs(1),
		RunE: flags.run,
	}
	flags.addFlags(cmd.Flags())
	flags.addTimeout(cmd.Flags())
	cmd.Flags().StringVarP(&flags.output, "output", "o", "text", "text, json, github or sarif")
	return cmd
}

func (flags *lintFlags) run(cmd *cobra.Command, args []string) error {
	if flags.writer() == nil {
		return fmt.Errorf("--output is %q: it takes text, json, github or sarif", flags.output)
	}
	flags.options.Limits.Errors = allFaults
	objects, err := flags.objects(cmd, args)
	var faults render.Errors
	switch {
	case errors.Is(err, errNothing):
		faults = render.Errors{{Message: err.Error()}}
	case err != nil && !errors.As(err, &faults):
		return err
	}
	dir, err := fromHere(flags.options.Dir)
	if err != nil {
		return err
	}
	if err := flags.writer()(cmd.OutOrStdout(), finding.Of(dir, faults)); err != nil {
		return err
	}
	return flags.end(cmd.OutOrStdout(), len(objects), len(faults))
}

// writer of the findings, or nil.
func (flags *lintFlags) writer() func(io.Writer, []finding.Finding) error {
	switch flags.output {
	case "text":
		return finding.Text
	case "json":
		return finding.JSON
	case "github":
		return finding.GitHub
	case "sarif":
		return func(out io.Writer, findings []finding.Finding) error {
			return finding.SARIF(out, flags.tools.Version, findings)
		}
	default:
		return nil
	}
}

// end says how many things are wrong.
func (flags *lintFlags) end(out io.Writer, objects, faults int) error {
	if faults > 0 {
		return &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("wrong: %s", count(faults, "thing"))}
	}
	if flags.output != "text" {
		return nil
	}
	_, err := fmt.Fprintf(out, "nothing is wrong with %s\n", count(objects, "object"))
	return err
}

// count of something, as people write it.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// fromHere returns the folder as seen from the current one, as programs expect paths
// that read the findings.
func fromHere(dir string) (string, error) {
	if !filepath.IsAbs(dir) {
		return filepath.ToSlash(dir), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	relative, err := filepath.Rel(here, dir)
	if err != nil || strings.HasPrefix(relative, "..") {
		return filepath.ToSlash(dir), nil //nolint:nilerr // the folder is elsewhere, and is called as the person calls it
	}
	return filepath.ToSlash(relative), nil
}
