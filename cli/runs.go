package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
)

type runsCommand struct {
	*Env
	output        Output
	phases        []string
	ref, sha, by  string
	limit         int
	allNamespaces bool
	watching      bool
}

func newRunsCommand(env *Env) *cobra.Command {
	runs := &runsCommand{Env: env}
	cmd := &cobra.Command{
		Use:   "runs [PIPELINE]",
		Short: "List Runs, the newest first",
		Long: "List Runs, the newest first, of a Pipeline or of all. Where KayCI's store is installed, those\n" +
			"that were deleted are among them: of one namespace, and 500 at most.",
		Example: "  kayci runs web\n" +
			"  kayci runs --phase failed --ref main --limit 5\n" +
			"  kayci runs -A --phase running -o name",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(completePipelines),
		RunE:              func(cmd *cobra.Command, args []string) error { return runs.do(cmd.Context(), args) },
	}
	env.Cluster.AddFlags(cmd.Flags())
	runs.output.AddFlag(cmd, asTable, asWide)
	f := cmd.Flags()
	f.StringSliceVar(&runs.phases, "phase", nil, "only Runs of this phase: queued, running, succeeded, failed or cancelled; may be repeated")
	f.StringVar(&runs.ref, "ref", "", "only Runs of this branch, tag or ref")
	f.StringVar(&runs.sha, "sha", "", "only Runs of commits that begin so")
	f.StringVar(&runs.by, "by", "", "only Runs that this user of the git host has caused")
	f.IntVar(&runs.limit, "limit", 20, "how many Runs are listed; 0 is all")
	f.BoolVarP(&runs.allNamespaces, "all-namespaces", "A", false, "Runs of all namespaces")
	f.BoolVarP(&runs.watching, "watch", "w", false, "go on with what changes: on a terminal the list is drawn anew, elsewhere each change has a line")
	// It fails for a flag that isn't there.
	_ = cmd.RegisterFlagCompletionFunc("phase", cobra.FixedCompletions(lowerPhases(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func allPhases() []v1alpha1.RunPhase {
	return []v1alpha1.RunPhase{v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled}
}

func lowerPhases() []string {
	var names []string
	for _, phase := range allPhases() {
		names = append(names, strings.ToLower(string(phase)))
	}
	return names
}

func (r *runsCommand) do(ctx context.Context, args []string) error {
	if err := r.check(); err != nil {
		return err
	}
	finder, err := r.finder()
	if err != nil {
		return err
	}
	query := find.Query{Keep: r.keep, Limit: r.limit, Active: r.onlyActive()}
	if len(args) > 0 {
		query.Pipeline = args[0]
	}
	if r.allNamespaces {
		finder.Namespace = ""
	}
	if r.watching {
		return r.watch(ctx, finder, query)
	}
	found, err := finder.Runs(ctx, query)
	if err != nil {
		return err
	}
	if found.Unknown != nil {
		fmt.Fprintln(r.Err, printable.Text(found.Unknown.Error()))
	}
	if len(found.Runs) == 0 {
		return r.none(ctx, finder, query)
	}
	format, own := r.output.Own()
	if !own {
		return r.output.Write(r.Out, &v1alpha1.RunList{Items: found.Runs})
	}
	if err := r.print(found.Runs, format == asWide); err != nil {
		return err
	}
	if more := found.Matched - len(found.Runs); more > 0 {
		_, err = fmt.Fprintf(r.Err, "%d more; --limit 0 lists all.\n", more)
	}
	return err
}

func (r *runsCommand) check() error {
	if err := r.output.Check(); err != nil {
		return err
	}
	for _, phase := range r.phases {
		if !slices.Contains(lowerPhases(), strings.ToLower(phase)) {
			return usage("--phase is %q: it takes %s", phase, strings.Join(lowerPhases(), ", "))
		}
	}
	if format, own := r.output.Own(); r.watching && (!own || format == asWide) {
		return usage("--watch takes --output table alone")
	}
	if r.limit < 0 {
		return usage("--limit is %d: it takes 0, for all, or more", r.limit)
	}
	return nil
}

// none says that nothing was found, and of a Pipeline that isn't there what comes near.
// For a program an empty list is an answer like others.
func (r *runsCommand) none(ctx context.Context, finder find.Finder, query find.Query) error {
	if query.Pipeline != "" && !r.allNamespaces {
		if _, err := finder.Pipeline(ctx, query.Pipeline); err != nil {
			return err
		}
	}
	if _, own := r.output.Own(); !own {
		return r.output.Write(r.Out, &v1alpha1.RunList{Items: []v1alpha1.Run{}})
	}
	where := "the namespace " + finder.Namespace
	if r.allNamespaces {
		where = "any namespace"
	}
	_, err := fmt.Fprintf(r.Err, "There are no such Runs in %s.\n", where)
	return err
}

// onlyActive reports whether the API server can leave out Runs that have ended.
func (r *runsCommand) onlyActive() bool {
	return len(r.phases) > 0 && !slices.ContainsFunc(r.phases, func(phase string) bool {
		return !strings.EqualFold(phase, string(v1alpha1.RunQueued)) && !strings.EqualFold(phase, string(v1alpha1.RunRunning))
	})
}

// keep says whether the Run is one that was asked for.
func (r *runsCommand) keep(run *v1alpha1.Run) bool {
	phase := string(run.Status.Phase)
	if phase == "" {
		phase = string(v1alpha1.RunQueued)
	}
	if len(r.phases) > 0 && !slices.ContainsFunc(r.phases, func(wanted string) bool { return strings.EqualFold(wanted, phase) }) {
		return false
	}
	from := run.Spec.Origin
	if from == nil {
		from = &v1alpha1.Origin{}
	}
	of := view.Of(view.Facts{Run: run, Now: r.Now()}).Origin
	return (r.ref == "" || r.ref == from.Ref || r.ref == from.Branch || r.ref == of.Ref) &&
		(r.sha == "" || strings.HasPrefix(from.SHA, strings.ToLower(r.sha))) &&
		(r.by == "" || strings.EqualFold(r.by, from.Sender) || strings.EqualFold(r.by, from.Author))
}
