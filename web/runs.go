package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
)

// runsPage is what runs.html shows, and of it Rows the part "runs".
type runsPage struct {
	Namespace string
	Filter    filter
	Rows      runRows
	Pipelines []strip
	// Broken are ConfigRepos that are not Ready.
	Broken []brokenRepo
	// Phases are what the filter offers.
	Phases []v1alpha1.RunPhase
	Hidden []string
}

// runRows are Runs in a list.
type runRows struct {
	Runs    []view.Run
	Version string
	// Matched is how many there are, those included that aren't shown.
	Matched int
	More    string
	// Empty says that there is no Run at all, rather than none that the filter lets pass.
	Empty bool
}

// brokenRepo is a ConfigRepo that something is wrong with.
type brokenRepo struct{ Name, Reason, Message string }

// runs lists the Runs of a namespace.
func (s *server) runs(w http.ResponseWriter, r *http.Request) error {
	namespace := r.PathValue("ns")
	body := &runsPage{
		Namespace: namespace, Filter: filterOf(r.URL.Query()),
		Phases: []v1alpha1.RunPhase{v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled},
	}
	results := strips{}
	found, err := s.finder(namespace).Runs(r.Context(), body.Filter.query(results.add))
	if err != nil {
		return err
	}
	body.Rows = rowsOf(found, &body.Filter, s.Clock.Now())
	body.Rows.Empty = len(results) == 0
	names, err := s.finder(namespace).Names(r.Context(), v1alpha1.PipelineKind)
	if err := body.hide(err); err != nil {
		return err
	}
	body.Pipelines = results.of(names)
	body.Broken, err = s.brokenRepos(r.Context(), namespace)
	if err := body.hide(err); err != nil {
		return err
	}
	return s.show(w, r, "runs", page{Title: namespace, Trail: trail(namespace), Body: body})
}

func (p *runsPage) hide(err error) error {
	what, err := hidden(err)
	if what != "" {
		p.Hidden = append(p.Hidden, what)
	}
	return err
}

func rowsOf(found *find.Listing, f *filter, now time.Time) runRows {
	rows := runRows{Version: found.Version, Matched: found.Matched}
	for n := range found.Runs {
		rows.Runs = append(rows.Runs, view.Of(view.Facts{Run: &found.Runs[n], Now: now}))
	}
	if found.Matched > len(found.Runs) && f.Limit < mostRuns {
		rows.More = f.More()
	}
	return rows
}

// brokenRepos are those of the namespace whose last sync has failed.
func (s *server) brokenRepos(ctx context.Context, namespace string) ([]brokenRepo, error) {
	var list v1alpha1.ConfigRepoList
	if err := s.cluster.client.List(ctx, &list, client.InNamespace(namespace), client.Limit(mostPipelines)); err != nil {
		return nil, err
	}
	var broken []brokenRepo
	for n := range list.Items {
		if c := meta.FindStatusCondition(list.Items[n].Status.Conditions, fluxmeta.ReadyCondition); c != nil && c.Status == metav1.ConditionFalse {
			broken = append(broken, brokenRepo{list.Items[n].Name, c.Reason, c.Message})
		}
	}
	return broken, nil
}

// runsEvents shows the list of Runs for as long as somebody looks.
func (s *server) runsEvents(w http.ResponseWriter, r *http.Request) error {
	return s.live(w, r, &liveRuns{server: s, namespace: r.PathValue("ns"), filter: filterOf(r.URL.Query())})
}

// liveRuns are the Runs of a list, no more than it shows.
type liveRuns struct {
	*server
	namespace string
	filter    filter
	found     *find.Listing
	any       bool
}

func (l *liveRuns) event() string { return "runs" }

func (l *liveRuns) read(ctx context.Context) (string, error) {
	found, err := l.finder(l.namespace).Runs(ctx, l.filter.query(func(*v1alpha1.Run) { l.any = true }))
	if err != nil {
		return "", err
	}
	l.found = found
	return found.Version, nil
}

func (l *liveRuns) watch(ctx context.Context, options *metav1.ListOptions) (watch.Interface, error) {
	return l.cluster.client.Watch(ctx, &v1alpha1.RunList{}, client.InNamespace(l.namespace), &client.ListOptions{Raw: options})
}

// change puts the Run in its place. What the list has lost by a deletion comes back when
// it is read anew.
func (l *liveRuns) change(event watch.Event) (gone bool) {
	run, is := event.Object.(*v1alpha1.Run)
	if !is {
		return false
	}
	l.any = true
	l.found.Version = run.ResourceVersion
	at := slices.IndexFunc(l.found.Runs, func(r v1alpha1.Run) bool { return r.Name == run.Name })
	if at >= 0 {
		l.found.Runs = slices.Delete(l.found.Runs, at, at+1)
		l.found.Matched--
	}
	if event.Type == watch.Deleted || !l.filter.matches(run) {
		return false
	}
	at, _ = slices.BinarySearchFunc(l.found.Runs, run, func(r v1alpha1.Run, run *v1alpha1.Run) int { return order.Compare(run, &r) })
	if at == len(l.found.Runs) && l.found.Matched > at {
		// It is older than all that are shown, and was counted with those that aren't.
		return false
	}
	l.found.Matched++
	l.found.Runs = slices.Insert(l.found.Runs, at, *run)
	l.found.Runs = l.found.Runs[:min(len(l.found.Runs), l.filter.Limit)]
	return false
}

func (l *liveRuns) html(context.Context) (html, version string, over bool, err error) {
	rows := rowsOf(l.found, &l.filter, l.Clock.Now())
	rows.Empty = !l.any
	html, err = l.pages.part("runs", rows)
	return html, l.found.Version, false, err
}
