package find

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/records"
)

// Kept is where Runs are kept beyond their deletion.
type Kept interface {
	// Run returns the record of a Run, Numbered of the one of a Pipeline's number, and
	// nil if there is none.
	Run(ctx context.Context, namespace, name string, uid types.UID) (*records.Record, error)
	Numbered(ctx context.Context, namespace, pipeline string, number int64) (*records.Record, error)
	// Runs lists Runs, newest first.
	Runs(ctx context.Context, q records.Query) ([]v1alpha1.Run, error)
}

// Deleted reports whether the Run isn't there any more: what is known of it was kept.
func Deleted(run *v1alpha1.Run) bool { return run.ResourceVersion == "" }

// deleted returns the Run of a record as one that isn't there any more.
func deleted(record *records.Record) *v1alpha1.Run {
	if record == nil {
		return nil
	}
	record.Run.ResourceVersion = ""
	return record.Run
}

// kept returns the Run that is meant from where Runs are kept, or nil.
func (f Finder) kept(ctx context.Context, ref Ref) (*v1alpha1.Run, error) {
	if f.Kept == nil || f.Namespace == "" {
		return nil, nil //nolint:nilnil // Nothing is kept, as of an installation without a store.
	}
	if ref.Name != "" {
		record, err := f.Kept.Run(ctx, f.Namespace, ref.Name, "")
		if record != nil || err != nil || ref.Pipeline == "" {
			return deleted(record), err
		}
	}
	if ref.Number != 0 {
		record, err := f.Kept.Numbered(ctx, f.Namespace, ref.Pipeline, ref.Number)
		return deleted(record), err
	}
	if ref.Pipeline == "" {
		return nil, nil //nolint:nilnil // Nobody is named: what is there is meant.
	}
	runs, err := f.Kept.Runs(ctx, records.Query{Namespace: f.Namespace, Pipeline: ref.Pipeline, Limit: 1})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	record, err := f.Kept.Run(ctx, f.Namespace, runs[0].Name, runs[0].UID)
	return deleted(record), err
}

// Deleted returns the Run of a name that was deleted and is kept, or nil.
func (f Finder) Deleted(ctx context.Context, name string) (*v1alpha1.Run, error) {
	return f.kept(ctx, Ref{Name: name})
}

// keptSpec returns what a Run executed whose revision is gone, or nil.
func (f Finder) keptSpec(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	if f.Kept == nil {
		return nil, nil //nolint:nilnil // Nothing is kept.
	}
	record, err := f.Kept.Run(ctx, run.Namespace, run.Name, run.UID)
	if record == nil || err != nil {
		return nil, err
	}
	return record.Spec, nil
}

// addKept adds Runs that aren't there any more to those that are, where that has room for
// more. Where Runs are kept may be away: then the error says so, and what is there stands.
func (f Finder) addKept(ctx context.Context, q Query, found *Listing) error {
	if f.Kept == nil || f.Namespace == "" || q.Active || q.Limit > 0 && len(found.Runs) >= q.Limit {
		return nil
	}
	there := map[types.UID]bool{}
	for i := range found.Runs {
		there[found.Runs[i].UID] = true
	}
	limit := q.Limit
	if limit == 0 || q.Keep != nil {
		// Which of them are meant is known only once they are here.
		limit = page
	}
	runs, err := f.Kept.Runs(ctx, records.Query{Namespace: f.Namespace, Pipeline: q.Pipeline, Limit: limit})
	if err != nil {
		return fmt.Errorf("list the Runs that were deleted: %w", err)
	}
	for i := range runs {
		if run := &runs[i]; !there[run.UID] && (q.Keep == nil || q.Keep(run)) {
			found.add(run, q.Limit)
		}
	}
	found.trim(q.Limit)
	return nil
}

// both returns an error of two: the first is what counts.
func both(first, second error) error {
	if second == nil {
		return first
	}
	return errors.Join(first, second)
}
