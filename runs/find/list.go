package find

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// page is how many objects an answer of the API server holds. A Run has some kilobytes.
const page = 500

// Query says which Runs are meant.
type Query struct {
	// Pipeline that they are Runs of. Blank: any.
	Pipeline string
	// Active leaves out those that have ended, which the API server does.
	Active bool
	// Keep says of each Run whether it is meant. nil: all are.
	Keep func(*v1alpha1.Run) bool
	// Limit is how many are kept, the newest. 0: all.
	Limit int
}

// Listing is what a query has found.
type Listing struct {
	// Runs, the newest first.
	Runs []v1alpha1.Run
	// Matched is how many there are, those beyond the limit included.
	Matched int
	// Version of the cluster that this was true of: a watch goes on from there.
	Version string
	// Unknown is why Runs that were deleted aren't among them.
	Unknown error
}

// Runs lists the newest Runs, and behind them such as were deleted and are kept.
func (f Finder) Runs(ctx context.Context, q Query) (*Listing, error) {
	found, err := f.there(ctx, q)
	if err == nil {
		found.Unknown = f.addKept(ctx, q, found)
	}
	return found, err
}

// there lists the newest Runs that are there. The API server orders by name, so all of them are read
// for it, page by page, and no more are held than are asked for.
func (f Finder) there(ctx context.Context, q Query) (*Listing, error) {
	options := &client.ListOptions{Namespace: f.Namespace, Limit: page}
	selectors := []client.ListOption{options}
	if q.Pipeline != "" {
		selectors = append(selectors, client.MatchingLabels{v1alpha1.PipelineLabel: q.Pipeline})
	}
	if q.Active {
		selectors = append(selectors, client.MatchingFields{v1alpha1.CompletionTimeField: ""})
	}
	found := &Listing{}
	for {
		var some v1alpha1.RunList
		if err := f.Reader.List(ctx, &some, selectors...); err != nil {
			return nil, fmt.Errorf("list Runs: %w", err)
		}
		for i := range some.Items {
			if q.Keep == nil || q.Keep(&some.Items[i]) {
				found.add(&some.Items[i], q.Limit)
			}
		}
		found.Version = some.ResourceVersion
		if options.Continue = some.Continue; options.Continue == "" {
			found.trim(q.Limit)
			return found, nil
		}
	}
}

// add keeps twice as many at most as are asked for, so that it sorts seldom.
func (l *Listing) add(run *v1alpha1.Run, limit int) {
	l.Runs = append(l.Runs, *run)
	l.Matched++
	if limit > 0 && len(l.Runs) >= 2*limit+page {
		l.trim(limit)
	}
}

func (l *Listing) trim(limit int) { l.Runs = Newest(l.Runs, limit) }

// Newest orders Runs by their age, and returns so many of the newest; 0 is all.
func Newest(runs []v1alpha1.Run, limit int) []v1alpha1.Run {
	slices.SortFunc(runs, func(a, b v1alpha1.Run) int { return order.Compare(&b, &a) })
	if limit > 0 && len(runs) > limit {
		return slices.Clip(slices.Clone(runs[:limit]))
	}
	return runs
}

// Names lists the names of a kind's objects, which is less than the objects.
func (f Finder) Names(ctx context.Context, kind string) ([]string, error) {
	options := &client.ListOptions{Namespace: f.Namespace, Limit: page}
	var names []string
	for {
		some := metav1.PartialObjectMetadataList{}
		some.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind + "List"))
		if err := f.Reader.List(ctx, &some, options); err != nil {
			return nil, fmt.Errorf("list the names of %ss: %w", kind, err)
		}
		for i := range some.Items {
			names = append(names, some.Items[i].Name)
		}
		if options.Continue = some.Continue; options.Continue == "" {
			return names, nil
		}
	}
}
