package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/web/rights"
	"github.com/kayci/kayci/web/secure"
)

// How much the first page asks for: namespaces that it asks about one by one, how many
// of these at once, Pipelines, and failures that it shows.
const (
	mostNamespaces = 100
	atOnce         = 8
	mostPipelines  = 500
	mostFailures   = 10
)

// namespacesPage is what namespaces.html shows.
type namespacesPage struct {
	Namespaces []namespaceRow
	// Failures are Pipelines whose last Run has failed, the latest first.
	Failures []v1alpha1.Pipeline
	// Partial says that there are more Pipelines than were asked for.
	Partial bool
}

// namespaceRow is a namespace and what its Pipelines are up to.
type namespaceRow struct {
	Name                       string
	Pipelines, Active, Failing int
}

// namespaces shows where the viewer may look at Runs. With ?ns= it leads to one that
// the viewer has typed in.
func (s *server) namespaces(w http.ResponseWriter, r *http.Request) error {
	if name := r.URL.Query().Get("ns"); name != "" {
		secure.Redirect(w, r, namespacePath(name))
		return nil
	}
	pipelines, names, partial, err := s.findPipelines(r.Context())
	if err != nil {
		return err
	}
	return s.show(w, r, "namespaces", page{Title: "Namespaces", Body: overview(pipelines, names, partial)})
}

// findPipelines asks for all of the cluster at once if the viewer may see them, and
// otherwise one namespace after the other.
func (s *server) findPipelines(ctx context.Context) (found []v1alpha1.Pipeline, names []string, partial bool, err error) {
	everywhere := rights.Right{Verb: "list", Group: v1alpha1.Group, Resource: "pipelines"}
	has, err := s.rights.Of(ctx, "", everywhere)
	if err != nil {
		return nil, nil, false, err
	}
	if has[everywhere] {
		var list v1alpha1.PipelineList
		err := s.cluster.client.List(ctx, &list, client.Limit(mostPipelines))
		// The page itself may be bound to some namespaces.
		if !apierrors.IsForbidden(err) {
			return list.Items, nil, list.Continue != "", err
		}
	}
	if names, err = s.visible(ctx); err != nil {
		return nil, nil, false, err
	}
	found, err = s.pipelinesOf(ctx, names)
	return found, names, false, err
}

// visible are the namespaces whose Runs the viewer may list, of those that the viewer
// may list or, failing that, that the operator names.
func (s *server) visible(ctx context.Context) ([]string, error) {
	candidates := s.Namespaces
	var list corev1.NamespaceList
	err := s.cluster.client.List(ctx, &list, client.Limit(mostNamespaces))
	switch {
	case err == nil:
		candidates = nil
		for n := range list.Items {
			candidates = append(candidates, list.Items[n].Name)
		}
	case !apierrors.IsForbidden(err):
		return nil, err
	}
	right := rights.Right{Verb: "list", Group: v1alpha1.Group, Resource: "runs"}
	return sieve(ctx, candidates, func(ctx context.Context, name string) (bool, error) {
		has, err := s.rights.Of(ctx, name, right)
		return has[right], err
	})
}

// sieve keeps those that pass, in their order, of the first mostNamespaces.
func sieve(ctx context.Context, names []string, passes func(context.Context, string) (bool, error)) ([]string, error) {
	names = names[:min(len(names), mostNamespaces)]
	passed := make([]bool, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n, name := range names {
		group.Go(func() error {
			var err error
			passed[n], err = passes(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var kept []string
	for n, name := range names {
		if passed[n] {
			kept = append(kept, name)
		}
	}
	return kept, nil
}

// pipelinesOf lists the Pipelines of each namespace. Who may list Runs and not
// Pipelines sees the namespace without.
func (s *server) pipelinesOf(ctx context.Context, names []string) ([]v1alpha1.Pipeline, error) {
	var mu sync.Mutex
	var found []v1alpha1.Pipeline
	_, err := sieve(ctx, names, func(ctx context.Context, name string) (bool, error) {
		var list v1alpha1.PipelineList
		err := s.cluster.client.List(ctx, &list, client.InNamespace(name), client.Limit(mostPipelines))
		mu.Lock()
		defer mu.Unlock()
		found = append(found, list.Items...)
		return true, client.IgnoreNotFound(ignoreForbidden(err))
	})
	return found, err
}

func ignoreForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// overview counts the Pipelines by namespace, and finds what has failed last.
func overview(pipelines []v1alpha1.Pipeline, names []string, partial bool) namespacesPage {
	rows := map[string]*namespaceRow{}
	for _, name := range names {
		rows[name] = &namespaceRow{Name: name}
	}
	found := namespacesPage{Partial: partial}
	for n := range pipelines {
		p := &pipelines[n]
		row := rows[p.Namespace]
		if row == nil {
			row = &namespaceRow{Name: p.Namespace}
			rows[p.Namespace] = row
		}
		row.Pipelines++
		row.Active += len(p.Status.ActiveRuns)
		if p.Status.LastRun != nil && p.Status.LastRun.Phase == v1alpha1.RunFailed {
			row.Failing++
			found.Failures = append(found.Failures, *p)
		}
	}
	for _, row := range rows {
		found.Namespaces = append(found.Namespaces, *row)
	}
	slices.SortFunc(found.Namespaces, func(a, b namespaceRow) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(found.Failures, func(a, b v1alpha1.Pipeline) int {
		left, right := a.Status.LastRun.CompletionTime, b.Status.LastRun.CompletionTime
		if left.Equal(right) {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		}
		if left.Before(right) {
			return 1
		}
		return -1
	})
	found.Failures = found.Failures[:min(len(found.Failures), mostFailures)]
	return found
}
