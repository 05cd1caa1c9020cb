package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/follow"
	"github.com/kayci/kayci/runs/view"
)

// redraw is how often the times on a terminal go on.
const redraw = time.Second

func newWatchCommand(env *Env) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "watch [RUN]",
		Short: "Watch a Run to its end",
		Long: `Watch a Run to its end, and end as it does: 0 if it has succeeded, 1 if it has
failed, 3 if it was cancelled. Ctrl-C ends the watching, and not the Run.

On a terminal the Run is drawn in place, never higher than the terminal: its graph where
there is room for it, what has failed, what goes on and what comes next; --all shows every
job. Elsewhere each change is a line.

` + addressing,
		Example: `  kayci watch
  kayci watch web/12 --all
  kayci watch web && echo succeeded`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			finder, err := env.finder()
			if err != nil {
				return err
			}
			run, err := env.run(cmd.Context(), args)
			if err != nil {
				return err
			}
			return env.watch(cmd.Context(), finder, run, all, 0)
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "show every job, on a terminal")
	return cmd
}

// watch shows the Run until it has ended, and returns how that was. A timeout of 0 is
// without end.
func (e *Env) watch(ctx context.Context, finder find.Finder, run *v1alpha1.Run, all bool, timeout time.Duration) error {
	follower, err := e.follower()
	if err != nil {
		return err
	}
	w := &watching{env: e, finder: finder, all: all}
	if e.Terminal.Out {
		w.screen = e.Terminal.Screen(e.Out)
		w.around(ctx, run)
	}
	return e.within(ctx, timeout, run, func(ctx context.Context) error {
		last, err := w.follow(ctx, follower, run)
		switch {
		case errors.Is(err, follow.ErrDeleted):
			return &ExitError{Code: ExitFault, Err: fmt.Errorf("watch %s: it was deleted before it had ended: there is nothing to watch any more", view.Address(run))}
		case err != nil:
			return err
		}
		return Outcome(last.Status.Phase)
	})
}

// watching shows a Run that changes. It is used by one goroutine at a time.
type watching struct {
	env    *Env
	finder find.Finder
	all    bool
	// screen is nil without a terminal.
	screen *terminal.Screen

	spec *v1alpha1.PipelineSpec
	// layout of the jobs, once the spec is known.
	layout graph.Layout
	// page is the address of the Run's, and usual how long its jobs take otherwise. Blank
	// and empty: nobody knows.
	page   string
	usual  map[string]time.Duration
	run    *v1alpha1.Run
	before *view.Run
	note   string
}

// lookedBack is how many of the Pipeline's last Runs say how long its jobs take.
const lookedBack = 20

// around reads once what is good to know of the Run, and no more: where its page is, and
// how long its jobs usually take.
func (w *watching) around(ctx context.Context, run *v1alpha1.Run) {
	w.page, _ = w.env.pageOf(ctx, run, "")
	if run.Status.Phase.Finished() {
		return
	}
	others := func(other *v1alpha1.Run) bool { return other.Name != run.Name && other.Status.Phase.Finished() }
	found, err := w.finder.Runs(ctx, find.Query{Pipeline: run.Spec.Pipeline, Keep: others, Limit: lookedBack})
	if err != nil {
		return
	}
	seen := make([]view.Run, len(found.Runs))
	for i := range found.Runs {
		seen[i] = view.Of(view.Facts{Run: &found.Runs[i], Now: w.env.Now()})
	}
	w.usual = view.Usual(seen)
}

// sight is what the follower has to tell.
type sight struct {
	run  *v1alpha1.Run
	lost error
}

// follow draws what the follower sees, and between that the times that go on.
func (w *watching) follow(ctx context.Context, f follow.Follower, run *v1alpha1.Run) (*v1alpha1.Run, error) {
	sights, done := make(chan sight), make(chan struct{})
	var last *v1alpha1.Run
	var err error
	f.Lost = func(err error) { sights <- sight{lost: err} }
	go func() {
		defer close(done)
		last, err = f.Run(ctx, run, func(seen *v1alpha1.Run) (bool, error) {
			sights <- sight{run: seen}
			return seen.Status.Phase.Finished(), nil
		})
	}()
	var ticks <-chan time.Time
	if w.screen != nil {
		ticker := time.NewTicker(redraw)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case s := <-sights:
			if s.run == nil {
				w.lose(s.lost)
			} else {
				w.see(ctx, s.run)
			}
		case <-ticks:
			w.draw()
		case <-done:
			return last, err
		}
	}
}

// see shows a Run that has changed.
func (w *watching) see(ctx context.Context, run *v1alpha1.Run) {
	if w.spec == nil && run.Spec.Revision != "" {
		// What jobs need is good to know, and no more.
		if w.spec, _ = specOf(ctx, w.finder, run); w.spec != nil {
			w.layout = graph.Arrange(w.spec.Jobs)
		}
	}
	w.run, w.note = run, ""
	if w.screen != nil {
		w.draw()
		return
	}
	v := w.view()
	for _, line := range changes(w.before, &v) {
		w.say(line)
	}
	w.before = &v
}

func (w *watching) view() view.Run {
	return w.env.see(view.Facts{Run: w.run, Spec: w.spec, Now: w.env.Now()})
}

// say writes a line with the time.
func (w *watching) say(line string) {
	fmt.Fprintf(w.env.Out, "%s %s\n", w.env.Now().Format(time.TimeOnly), line)
}

func (w *watching) draw() {
	if w.screen == nil || w.run == nil {
		return
	}
	_, height := w.env.Terminal.Size()
	f := frame{run: w.view(), layout: w.layout, page: w.page, usual: w.usual, all: w.all, note: w.note, height: height, terminal: w.env.Terminal}
	// A terminal that is gone ends the program by a signal.
	_ = w.screen.Draw(f.lines())
}

// lose says what keeps the Run from being seen.
func (w *watching) lose(err error) {
	w.note = "the API server doesn't answer, asking again: " + strings.Join(strings.Fields(text(err)), " ")
	if w.screen != nil {
		w.draw()
	} else {
		fmt.Fprintf(w.env.Err, "%s: %s\n", w.env.Name, w.note)
	}
}
