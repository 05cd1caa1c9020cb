package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/follow"
	"github.com/kayci/kayci/runs/view"
)

// addressing is said in the help of every command that takes a Run.
const addressing = "RUN is a Run's name, PIPELINE/NUMBER as in web/12, or a Pipeline for its newest Run.\n" +
	"PIPELINE/ asks for the Pipeline's newest even if a Run has its name, and\n" +
	"run.kayci.dev/NAME for that Run."

// unaddressed is said where a command looks at a Run and doesn't change it.
const unaddressed = addressing + " Without RUN the newest of the namespace is meant, or on a\n" +
	"terminal the one that you choose of several that are active."

func (e *Env) finder() (find.Finder, error) {
	c, err := e.Cluster.Client()
	if err != nil {
		return find.Finder{}, err
	}
	namespace, err := e.Cluster.Namespace()
	if err != nil {
		return find.Finder{}, err
	}
	finder := find.Finder{Reader: c, Namespace: namespace}
	store, err := e.Cluster.Store()
	if store != nil {
		finder.Kept = store
	}
	return finder, err
}

// run returns the Run that the first argument means. A person who names none, of
// several that are active, is asked.
func (e *Env) run(ctx context.Context, args []string) (*v1alpha1.Run, error) {
	finder, err := e.finder()
	if err != nil {
		return nil, err
	}
	if len(args) > 0 && args[0] != "" {
		return finder.Run(ctx, args[0])
	}
	if e.Terminal.Interactive() {
		active, err := finder.Runs(ctx, find.Query{Active: true, Limit: 20})
		if err != nil {
			return nil, err
		}
		if len(active.Runs) > 1 {
			return e.choose(ctx, active.Runs)
		}
	}
	return finder.Run(ctx, "")
}

// runThatIsThere is run for a command that a record of the Run is no use to.
func (e *Env) runThatIsThere(ctx context.Context, args []string) (*v1alpha1.Run, error) {
	run, err := e.run(ctx, args)
	if err == nil && find.Deleted(run) {
		return nil, usage("Run %s was deleted: what it has left behind can be read, and nothing be changed", run.Name)
	}
	return run, err
}

// runToChange is run for a command that changes the Run: it guesses none among several
// that may be meant.
func (e *Env) runToChange(ctx context.Context, args []string, may func(*v1alpha1.Run) bool, wanted string) (*v1alpha1.Run, error) {
	if len(args) > 0 && args[0] != "" {
		return e.runThatIsThere(ctx, args)
	}
	finder, err := e.finder()
	if err != nil {
		return nil, err
	}
	finder.Kept = nil
	found, err := finder.Runs(ctx, find.Query{Keep: may, Limit: 20})
	switch {
	case err != nil:
		return nil, err
	case len(found.Runs) == 1:
		return &found.Runs[0], nil
	case len(found.Runs) == 0:
		return nil, usage("no Run in the namespace %s %s", finder.Namespace, wanted)
	case e.Terminal.Interactive():
		return e.choose(ctx, found.Runs)
	}
	names := make([]string, 0, len(found.Runs))
	for i := range found.Runs {
		names = append(names, view.Address(&found.Runs[i]))
	}
	return nil, usage("more than one Run in the namespace %s %s: say which: %s", finder.Namespace, wanted, strings.Join(names, ", "))
}

// choose asks which of a few Runs is meant. The newest is the default.
func (e *Env) choose(ctx context.Context, runs []v1alpha1.Run) (*v1alpha1.Run, error) {
	for i := range runs {
		seen := view.Of(view.Facts{Run: &runs[i], Now: e.Now()})
		line := fmt.Sprintf("%3d  %s  %s  %s %s", i+1, seen.Address, seen.State.Word(), seen.Origin.Commit(), seen.Origin.Title)
		if _, err := fmt.Fprintln(e.Err, strings.TrimRight(line, " ")); err != nil {
			return nil, err
		}
	}
	answer, err := e.Terminal.Ask(ctx, "Which Run", "1")
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(strings.TrimSpace(answer))
	if err != nil || number < 1 || number > len(runs) {
		return nil, usage("%q is none of 1 to %d", printable.Text(answer), len(runs))
	}
	return &runs[number-1], nil
}

// follower follows objects of the cluster, and tells when it is away.
func (e *Env) follower() (follow.Follower, error) {
	c, err := e.Cluster.Client()
	return follow.Follower{Client: c, Wait: e.waits, Lost: func(err error) {
		fmt.Fprintf(e.Err, "%s: the API server doesn't answer, asking again: %s\n", e.Name, text(err))
	}}, err
}

// ended waits until the Run has ended, and returns it as it is then.
func (e *Env) ended(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.Run, error) {
	follower, err := e.follower()
	if err != nil {
		return nil, err
	}
	return follower.Run(ctx, run, func(r *v1alpha1.Run) (bool, error) { return r.Status.Phase.Finished(), nil })
}
