package author

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/author/difference"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

type diffFlags struct {
	folder
}

func newDiffCommand(tools *Tools) *cobra.Command {
	flags := diffFlags{folder: folder{tools: tools}}
	cmd := &cobra.Command{
		Use:   "diff [DIR]",
		Short: "Show what a sync of DIR would change in the cluster",
		Long: "Show how the objects that DIR renders differ from those that the cluster has, by a dry\n" +
			"run of what a sync does. Nothing is written. DIR is the root of a config repository, or\n" +
			"the current folder.\n\n" +
			"With --configrepo it is rendered with that ConfigRepo's path, vars, ignored files and\n" +
			"defaults for jobs, and what the sync would prune is shown, too, and what it would refuse\n" +
			"for belonging to another one. Without it only the objects themselves are compared.\n\n" +
			"The API server is asked with your own rights: it takes those to create and to patch\n" +
			"Pipelines and Triggers. The controller may run another version of KayCI's image than\n" +
			"this program is of: --image says which.\n\n" +
			"The exit code is 0 if nothing differs, 1 if something does, and more if that can't be\n" +
			"found out or a sync would refuse the files: 4 if you lack a right, and 2 otherwise.",
		Example: "  kayci diff --configrepo pipelines -n ci\n" +
			"  kayci diff ~/src/pipelines --path ci --var registry=registry.example.com -n ci",
		Args: cobra.MaximumNArgs(1),
		RunE: flags.run,
	}
	flags.addFlags(cmd.Flags())
	flags.addTimeout(cmd.Flags())
	return cmd
}

func (flags *diffFlags) run(cmd *cobra.Command, args []string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
	defer cancel()
	if err := flags.resolve(cmd, args); err != nil {
		return err
	}
	namespace, err := flags.tools.Cluster.Namespace()
	if err != nil {
		return err
	}
	flags.options.Namespace = namespace
	objects, err := flags.render(ctx)
	if err != nil {
		return err
	}
	preview, err := flags.preview(ctx, objects)
	if err != nil {
		return flags.inTime(err)
	}
	count, err := flags.print(cmd.OutOrStdout(), preview)
	switch {
	case err != nil:
		return err
	case preview.Refusal != nil:
		return fmt.Errorf("a sync would refuse it, and change nothing: %w", preview.Refusal)
	case count > 0:
		return &cli.ExitError{Code: cli.ExitFailed}
	}
	return nil
}

func (flags *diffFlags) preview(ctx context.Context, objects []render.Object) (apply.Preview, error) {
	cluster, err := flags.tools.Cluster.Client()
	if err != nil {
		return apply.Preview{}, err
	}
	in, err := flags.input(ctx, cluster, objects)
	if err != nil {
		return apply.Preview{}, err
	}
	return apply.Applier{Client: cluster, Live: cluster}.Preview(ctx, in)
}

// input of a sync: that of the ConfigRepo, if one is named.
func (flags *diffFlags) input(ctx context.Context, cluster client.Reader, objects []render.Object) (apply.Input, error) {
	in := apply.Input{Namespace: flags.options.Namespace, Now: flags.tools.Now()}
	var err error
	if flags.repo == nil {
		in.Desired, err = apply.Prepare("", objects)
		return in, err
	}
	in.Repo = flags.repo.Name
	in.Prune = flags.repo.Spec.Prune == nil || *flags.repo.Spec.Prune
	in.AllowPrune = flags.repo.Spec.AllowPrune || len(objects) == 0
	in.Inventory = flags.repo.Status.Inventory
	if in.Desired, err = apply.Prepare(in.Repo, objects); err != nil || flags.repo.Spec.JobDefaults == nil {
		return in, err
	}
	in.Desired, err = flags.withDefaults(ctx, cluster, in.Desired)
	return in, err
}

// print returns how many objects differ.
func (flags *diffFlags) print(out io.Writer, preview apply.Preview) (int, error) {
	var text strings.Builder
	count := 0
	for _, object := range preview.Objects {
		lines, err := difference.Of(object.Before, object.After)
		if err != nil {
			return count, err
		}
		if len(lines) == 0 {
			continue
		}
		count++
		for _, line := range append(heading(object), lines...) {
			text.WriteString(flags.tools.Terminal.Paint(styleOf(line), line.String()) + "\n")
		}
	}
	_, err := io.WriteString(out, text.String())
	return count, err
}

// heading names both sides. A blank side is none.
func heading(object apply.PreviewObject) []difference.Line {
	before, after := object.Key.String()+" in the cluster", printable.Text(object.Key.String()+" of "+object.File)
	switch {
	case object.Before == nil:
		before = "none"
	case object.After == nil:
		after = "none: it would be pruned"
	}
	return []difference.Line{{Sign: difference.Title, Text: "--- " + before}, {Sign: difference.Title, Text: "+++ " + after}}
}

func styleOf(line difference.Line) terminal.Style {
	switch line.Sign {
	case difference.Title:
		return terminal.Bold
	case difference.Place:
		return terminal.Blue
	case difference.Gone:
		return terminal.Red
	case difference.New:
		return terminal.Green
	default:
		return terminal.Plain
	}
}
