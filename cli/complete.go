package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
)

// completed bounds what a completion offers, and completing how long it takes: a shell
// that hangs is worse than one that completes nothing.
const (
	completed  = 50
	completing = 3 * time.Second
)

// completion offers words for an argument, behind those that were given.
type completion func(ctx context.Context, finder find.Finder, args []string) ([]cobra.Completion, error)

// complete completes the arguments of a command one after the other. Those beyond have
// none.
func (e *Env) complete(kinds ...completion) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(kinds) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(ctx, completing)
		defer cancel()
		finder, err := e.finder()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		words, err := kinds[len(args)](ctx, finder, args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// described is a word with its description, in which a tabulator would end it.
func described(word string, parts ...string) cobra.Completion {
	return cobra.CompletionWithDesc(word, printable.Cut(printable.Text(strings.Join(strings.Fields(strings.Join(parts, " ")), " ")), 80))
}

// completeRuns offers the newest Runs that are there: most commands change them, and the
// store would be asked at each stroke of the key.
func (e *Env) completeRuns(ctx context.Context, finder find.Finder, _ []string) ([]cobra.Completion, error) {
	finder.Kept = nil
	found, err := finder.Runs(ctx, find.Query{Limit: completed})
	if err != nil {
		return nil, err
	}
	words := make([]cobra.Completion, 0, len(found.Runs))
	for i := range found.Runs {
		seen := view.Of(view.Facts{Run: &found.Runs[i], Now: e.Now()})
		words = append(words, described(seen.Address, seen.State.Word(), seen.Origin.Commit(), seen.Origin.Title))
	}
	return words, nil
}

func completePipelines(ctx context.Context, finder find.Finder, _ []string) ([]cobra.Completion, error) {
	return finder.Names(ctx, v1alpha1.PipelineKind)
}

func completeConfigRepos(ctx context.Context, finder find.Finder, _ []string) ([]cobra.Completion, error) {
	return finder.Names(ctx, v1alpha1.ConfigRepoKind)
}

// completeJobs offers the jobs of the Run that the first argument means: those that are
// chosen, or all for nil.
func completeJobs(chosen func(*v1alpha1.JobStatus) bool) completion {
	return func(ctx context.Context, finder find.Finder, args []string) ([]cobra.Completion, error) {
		run, err := finder.Run(ctx, args[0])
		if err != nil {
			return nil, err
		}
		var words []cobra.Completion
		for i := range run.Status.Jobs {
			if job := &run.Status.Jobs[i]; chosen == nil || chosen(job) {
				words = append(words, described(job.Name, string(job.Phase), job.Reason))
			}
		}
		return words, nil
	}
}

// completeParams offers the parameters of the Pipeline that the first argument names.
func completeParams(ctx context.Context, finder find.Finder, args []string) ([]cobra.Completion, error) {
	pipeline, err := finder.Pipeline(ctx, args[0])
	if err != nil {
		return nil, err
	}
	var words []cobra.Completion
	for _, param := range pipeline.Spec.Params {
		words = append(words, described(param.Name+"=", param.Description))
	}
	return words, nil
}
