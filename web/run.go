package web

import (
	"context"
	"fmt"
	"html/template"
	"net/http"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
	"github.com/kayci/kayci/web/rights"
	"github.com/kayci/kayci/web/viewer"
)

// runPage is what run.html and the part "run" show.
type runPage struct {
	view.Run
	// Version of the Run that is shown: a stream goes on from there.
	Version string
	// Live says that the Run changes still.
	Live bool
	// Graph of the jobs, drawn.
	Graph template.HTML
	// Bars are the times of the jobs, in their order.
	Bars []bars
	// Hidden says what isn't shown and why.
	Hidden []string
	May    may
	// Failed is the log of the first job that has failed. It is read once, and isn't a part
	// of what changes.
	Failed *failedLog
}

// failedLog is a log that stands on the page of its Run.
type failedLog struct{ Job, Log string }

// may is what the viewer may do to a Run.
type may struct{ Cancel, Retry, Approve bool }

// run shows a Run.
func (s *server) run(w http.ResponseWriter, r *http.Request) error {
	run, err := s.getRun(r.Context(), r.PathValue("ns"), r.PathValue("run"))
	if err != nil {
		return err
	}
	body, err := s.runPage(r.Context(), run, r.URL.Query()[openField])
	if err != nil {
		return err
	}
	return s.show(w, r, "run", page{
		Title: title(&body.Run), State: body.State.Class(), Body: body,
		Trail: append(trail(run.Namespace), pipelineCrumb(run), runCrumb(run)),
	})
}

// title of a page about a Run, which a tab shows: the state first.
func title(run *view.Run) string {
	return fmt.Sprintf("%s %s %s", run.State.Symbol(), run.Address, run.State.Word())
}

func trail(namespace string) []crumb { return []crumb{{namespace, namespacePath(namespace)}} }

func pipelineCrumb(run *v1alpha1.Run) crumb {
	return crumb{run.Spec.Pipeline, pipelinePath(run.Namespace, run.Spec.Pipeline)}
}

func runCrumb(run *v1alpha1.Run) crumb {
	name := run.Name
	if run.Status.Number > 0 {
		name = fmt.Sprintf("#%d", run.Status.Number)
	}
	return crumb{name, runPath(run.Namespace, run.Name)}
}

// runPage reads what belongs to the Run. The folds of the graph that are to be open have
// one of these jobs.
func (s *server) runPage(ctx context.Context, run *v1alpha1.Run, open []string) (*runPage, error) {
	l, err := s.lookAt(ctx, run)
	if err != nil {
		return nil, err
	}
	drawn, err := s.runGraph(l, open)
	if err != nil {
		return nil, err
	}
	return &runPage{
		Run: l.View, Version: run.ResourceVersion, Live: !l.View.State.Ended(), Graph: drawn,
		Bars: barsOf(&l.View, s.Clock.Now()), Hidden: l.Hidden, May: s.may(ctx, run), Failed: failedOf(l),
	}, nil
}

// failedOf is the log of the first job that has failed and has one, or nil.
func failedOf(l *look) *failedLog {
	for n := range l.View.Jobs {
		if l.View.Jobs[n].State != view.Failed {
			continue
		}
		name := l.View.Jobs[n].Name
		if shown, err := chosen(partOf(l.Found, name), nil); err == nil {
			return &failedLog{name, logPath(l.Run.Namespace, l.Run.Name, shown)}
		}
	}
	return nil
}

// may asks what the viewer may do to the Run in its state. Where that can't be known
// there is no button, and the rest of the page.
func (s *server) may(ctx context.Context, run *v1alpha1.Run) may {
	if v, ok := viewer.From(ctx); !ok || v.Anonymous || find.Deleted(run) {
		return may{}
	}
	has, err := s.rights.Of(ctx, run.Namespace, onRuns("create"), onRuns("patch"), onRuns(v1alpha1.ApproveVerb))
	if err != nil {
		return may{}
	}
	ended := run.Status.Phase.Finished()
	return may{
		Cancel:  has[onRuns("patch")] && !ended && !run.Spec.Cancelled,
		Retry:   has[onRuns("create")] && ended && run.Status.Phase != v1alpha1.RunSucceeded,
		Approve: has[onRuns("patch")] && has[onRuns(v1alpha1.ApproveVerb)] && !ended,
	}
}

func onRuns(verb string) rights.Right {
	return rights.Right{Verb: verb, Group: v1alpha1.Group, Resource: "runs"}
}
