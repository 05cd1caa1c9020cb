package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/follow"
	"github.com/kayci/kayci/runs/view"
)

// redrawn is how often the times of a list are brought up to date.
const redrawn = 5 * time.Second

// runsWatch shows a list of Runs that changes: on a terminal the whole of it, and
// elsewhere a line for each change.
type runsWatch struct {
	*runsCommand
	finder find.Finder
	query  find.Query
	// screen is nil without a terminal.
	screen *terminal.Screen

	// listed says that there was a list, and runs what is on it.
	listed bool
	runs   []v1alpha1.Run
	// said is what was printed last of each Run.
	said map[string]string
}

// watch goes on until the person has enough of it.
func (r *runsCommand) watch(ctx context.Context, finder find.Finder, query find.Query) error {
	c, err := r.Cluster.Client()
	if err != nil {
		return err
	}
	// A Run that ends is to be seen to.
	query.Active = false
	w := &runsWatch{runsCommand: r, finder: finder, query: query, said: map[string]string{}}
	if r.Terminal.Out {
		w.screen = r.Terminal.Screen(r.Out)
	}
	follower, err := r.follower()
	if err != nil {
		return err
	}
	return follower.Again(ctx, func(ctx context.Context) (bool, error) { return false, w.look(ctx, c) })
}

// look lists the Runs and follows their changes until the watch ends.
func (w *runsWatch) look(ctx context.Context, c client.WithWatch) error {
	found, err := w.finder.Runs(ctx, w.query)
	if err != nil && !w.listed {
		// Who has seen nothing yet is told at once.
		return follow.Stop(err)
	}
	if err != nil {
		return err
	}
	w.runs, w.listed = found.Runs, true
	if err := w.show(); err != nil {
		return follow.Stop(err)
	}
	selectors := []client.ListOption{client.InNamespace(w.finder.Namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: found.Version}}}
	if w.query.Pipeline != "" {
		selectors = append(selectors, client.MatchingLabels{v1alpha1.PipelineLabel: w.query.Pipeline})
	}
	changes, err := c.Watch(ctx, &v1alpha1.RunList{}, selectors...)
	if err != nil {
		return fmt.Errorf("watch Runs: %w", err)
	}
	defer changes.Stop()
	ticker := time.NewTicker(redrawn)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case event, open := <-changes.ResultChan():
			run, is := event.Object.(*v1alpha1.Run)
			if !open || !is {
				return nil
			}
			w.take(run, event.Type == watch.Deleted)
		}
		if err := w.show(); err != nil {
			return follow.Stop(err)
		}
	}
}

// take brings the list up to date.
func (w *runsWatch) take(run *v1alpha1.Run, gone bool) {
	w.runs = slices.DeleteFunc(w.runs, func(r v1alpha1.Run) bool { return r.UID == run.UID })
	if !gone && w.keep(run) {
		w.runs = append(w.runs, *run)
	}
	w.runs = find.Newest(w.runs, w.query.Limit)
}

func (w *runsWatch) show() error {
	if w.screen == nil {
		return w.tell()
	}
	var text bytes.Buffer
	if err := w.table(w.runs, false).write(&text, 0); err != nil {
		return err
	}
	return w.screen.Draw(strings.Split(strings.TrimRight(text.String(), "\n"), "\n"))
}

// tell prints what has changed, the oldest Run first.
func (w *runsWatch) tell() error {
	for i := range slices.Backward(w.runs) {
		seen := view.Of(view.Facts{Run: &w.runs[i], Now: w.Now()})
		line := fmt.Sprintf("%s %s %s", seen.Address, seen.State.Word(), seen.Count())
		if w.allNamespaces {
			line = seen.Namespace + " " + line
		}
		if seen.Why != "" {
			line += ": " + seen.Why
		}
		key := string(seen.UID)
		if w.said[key] == line {
			continue
		}
		w.said[key] = line
		if _, err := fmt.Fprintf(w.Out, "%s %s\n", w.Now().Format(time.TimeOnly), line); err != nil {
			return err
		}
	}
	return nil
}
