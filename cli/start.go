package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/runs/view"
)

// asText is the format of -o in which a command says in words what it has done.
const asText = "text"

type startCommand struct {
	*Env
	output Output
	file   string
	like   string
	dryRun bool
	afterwards
}

func newStartCommand(env *Env) *cobra.Command {
	start := &startCommand{Env: env}
	cmd := &cobra.Command{
		Use:   "start PIPELINE [NAME=VALUE ...]",
		Short: "Start a Run of a Pipeline",
		Long: "Start a Run of a Pipeline. What is wrong with its parameters is said before anything is\n" +
			"created. On a terminal you are asked for those that the Pipeline wants and you haven't\n" +
			"given.\n\n" +
			"With -f, -w or --wait the exit code is the Run's: 0 Succeeded, 1 Failed, 3 Cancelled.",
		Example: "  kayci start web -f\n" +
			"  kayci start deploy version=v1.4.0 'note=it said \"go\"' --wait\n" +
			"  kayci start web --like web/12 git_ref=refs/heads/fix",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: start.completeArgs,
		RunE:              func(cmd *cobra.Command, args []string) error { return start.do(cmd.Context(), args) },
	}
	env.Cluster.AddFlags(cmd.Flags())
	start.output.AddFlag(cmd, asText)
	start.afterwards.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&start.file, "params-file", "", "file with parameters, names and strings in YAML or JSON; - is standard input. Those of arguments win")
	f.StringVar(&start.like, "like", "", "Run whose parameters are taken where none are given")
	f.BoolVar(&start.dryRun, "dry-run", false, "have the API server judge the Run, and start nothing")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "wait")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "follow")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "watch")
	// It fails for a flag that isn't there.
	_ = cmd.RegisterFlagCompletionFunc("like", env.complete(env.completeRuns))
	return cmd
}

// completeArgs completes the Pipeline, and then any number of its parameters.
func (s *startCommand) completeArgs(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return s.complete(completePipelines)(cmd, args, prefix)
	}
	words, directive := s.complete(nil, completeParams)(cmd, args[:1], prefix)
	return words, directive | cobra.ShellCompDirectiveNoSpace
}

func (s *startCommand) do(ctx context.Context, args []string) error {
	if err := errors.Join(s.output.Check(), s.check()); err != nil {
		return err
	}
	given, err := Params(args[1:])
	if err != nil {
		return err
	}
	filed, err := s.paramsFile(s.file)
	if err != nil {
		return err
	}
	finder, err := s.finder()
	if err != nil {
		return err
	}
	pipeline, err := finder.Pipeline(ctx, args[0])
	if err != nil {
		return err
	}
	all, err := s.taken(ctx, pipeline)
	if err != nil {
		return err
	}
	maps.Copy(all, filed)
	maps.Copy(all, given)
	if err := s.ask(ctx, pipeline, all); err != nil {
		return err
	}
	c, err := s.Cluster.Client()
	if err != nil {
		return err
	}
	run, err := act.Start(ctx, c, pipeline, all, s.dryRun)
	if err != nil {
		return err
	}
	if err := s.say(run); err != nil {
		return err
	}
	return s.follow(ctx, s.Env, run)
}

// taken are the parameters of the Run that the new one is to be like.
func (s *startCommand) taken(ctx context.Context, pipeline *v1alpha1.Pipeline) (map[string]string, error) {
	if s.like == "" {
		return map[string]string{}, nil
	}
	run, err := s.run(ctx, []string{s.like})
	if err != nil {
		return nil, fmt.Errorf("--like: %w", err)
	}
	if run.Spec.Pipeline != pipeline.Name {
		return nil, usage("--like: %s is a Run of Pipeline %s", view.Address(run), run.Spec.Pipeline)
	}
	taken, gone := act.Like(run, pipeline)
	if len(gone) > 0 {
		_, err = fmt.Fprintf(s.Err, "%s: left out, as the Pipeline declares them no more: %s\n", s.Name, printable.Text(strings.Join(gone, ", ")))
	}
	return taken, err
}

func (s *startCommand) say(run *v1alpha1.Run) error {
	if _, own := s.output.Own(); !own {
		return s.output.Write(s.Out, run)
	}
	if s.dryRun {
		_, err := fmt.Fprintf(s.Out, "A Run of Pipeline %s would be started; nothing was.\n", run.Spec.Pipeline)
		return err
	}
	return s.sayStarted(run)
}

// sayStarted tells of a new Run: how it is called, and where it can be looked at.
func (e *Env) sayStarted(run *v1alpha1.Run) error {
	_, err := fmt.Fprintf(e.Out, "Run %s is started.\n", run.Name)
	if page := e.page(run, "", ""); err == nil && page != "" {
		_, err = fmt.Fprintln(e.Out, page)
	}
	return err
}
