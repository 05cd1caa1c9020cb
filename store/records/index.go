package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// Summary is the entry of a Run in a list: as much of the Run as a list shows, in the
// Run's own form.
type Summary = v1alpha1.Run

// summaryOf leaves out of a Run what no list shows.
func summaryOf(run *v1alpha1.Run) *Summary {
	s := &Summary{
		ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: run.Name, UID: run.UID, CreationTimestamp: run.CreationTimestamp},
		Spec:       v1alpha1.RunSpec{Pipeline: run.Spec.Pipeline, Origin: run.Spec.Origin, RetryOf: run.Spec.RetryOf, Params: run.Spec.Params},
		Status: v1alpha1.RunStatus{
			Phase: run.Status.Phase, Number: run.Status.Number, StartTime: run.Status.StartTime, CompletionTime: run.Status.CompletionTime,
		},
	}
	if c := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition); c != nil {
		s.Status.Conditions = []metav1.Condition{*c}
	}
	for i := range run.Status.Jobs {
		job := &run.Status.Jobs[i]
		s.Status.Jobs = append(s.Status.Jobs, v1alpha1.JobStatus{
			Name: job.Name, Phase: job.Phase, Reason: job.Reason, FailureAllowed: job.FailureAllowed,
			StartTime: job.StartTime, CompletionTime: job.CompletionTime,
		})
	}
	return s
}

// maxEntry bounds an entry that is read, in bytes.
const maxEntry = 4 << 20

// Query says which Runs of a namespace are asked for.
type Query struct {
	Namespace string
	// Pipeline of the Runs. Blank: each.
	Pipeline string
	// Before is the number of a Run: older ones are asked for. 0: the newest.
	Before int64
	// Limit is how many at most.
	Limit int
}

// List returns Runs of a namespace, newest first. It reads few entries more than it
// returns, and one at least of each Pipeline.
func List(ctx context.Context, from bucket.Bucket, q Query) ([]Summary, error) {
	if q.Limit < 1 {
		return nil, nil
	}
	pipelines := []string{q.Pipeline}
	if q.Pipeline == "" {
		var err error
		if pipelines, err = from.Folders(ctx, place.Index(q.Namespace, "")); err != nil {
			return nil, fmt.Errorf("list the Pipelines of namespace %s: %w", q.Namespace, err)
		}
	}
	pages := make([]*unread, 0, len(pipelines))
	for _, pipeline := range pipelines {
		found, err := listed(ctx, from, q.Namespace, pipeline, q.Before, q.Limit)
		if err != nil {
			return nil, err
		}
		of := &unread{}
		for i := range found {
			of.names = append(of.names, found[i].Name)
		}
		pages = append(pages, of)
	}
	return newest(ctx, from, pages, q.Limit)
}

// Earlier returns where the Runs of a Pipeline are kept that come before the number, or
// before none if it is 0, newest first. It reads no entries.
func Earlier(ctx context.Context, from bucket.Bucket, namespace, pipeline string, before int64, limit int) ([]place.Run, error) {
	found, err := listed(ctx, from, namespace, pipeline, before, limit)
	if err != nil {
		return nil, err
	}
	var runs []place.Run
	for i := range found {
		run, _, is := place.ReadEntry(namespace, pipeline, strings.TrimPrefix(found[i].Name, place.Index(namespace, pipeline)))
		if is {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// listed are the entries of a Pipeline's Runs.
func listed(ctx context.Context, from bucket.Bucket, namespace, pipeline string, before int64, limit int) ([]bucket.Object, error) {
	index := place.Index(namespace, pipeline)
	after := ""
	if before > 0 {
		after = index + place.Number(before) + "0"
	}
	found, err := from.List(ctx, index, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list the Runs of Pipeline %s: %w", pipeline, err)
	}
	return found, nil
}

func entry(ctx context.Context, from bucket.Bucket, name string) (*Summary, error) {
	var s Summary
	err := bucket.ReadJSON(ctx, from, name, maxEntry, &s)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil //nolint:nilnil // A Run that has just been removed is a usual answer and no error.
	}
	if err != nil {
		return nil, fmt.Errorf("read the entry of a Run: %w", err)
	}
	return &s, nil
}

// Named returns where the Run of a name is kept: the newest of several, unless the UID
// says which. bucket.ErrNotFound: none is.
func Named(ctx context.Context, from bucket.Bucket, namespace, name string, uid types.UID) (place.Run, error) {
	all, err := AllNamed(ctx, from, namespace, name)
	if err != nil {
		return place.Run{}, err
	}
	for _, run := range all {
		if uid == "" || uid == run.UID {
			return run, nil
		}
	}
	return place.Run{}, fmt.Errorf("run %s: %w", name, bucket.ErrNotFound)
}

// AllNamed returns where the Runs of a name are kept, the one first that was stored last.
func AllNamed(ctx context.Context, from bucket.Bucket, namespace, name string) ([]place.Run, error) {
	prefix := place.Names(namespace, name)
	found, err := from.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("find run %s: %w", name, err)
	}
	slices.SortStableFunc(found, func(a, b bucket.Object) int { return b.Modified.Compare(a.Modified) })
	var runs []place.Run
	for _, object := range found {
		if run, is := place.ReadName(namespace, name, strings.TrimPrefix(object.Name, prefix)); is {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// Numbered returns where the Run of a Pipeline's number is kept. bucket.ErrNotFound: none
// is.
func Numbered(ctx context.Context, from bucket.Bucket, namespace, pipeline string, number int64) (place.Run, error) {
	index := place.Index(namespace, pipeline)
	found, err := from.List(ctx, index+place.Number(number)+"/", "", 0)
	if err != nil {
		return place.Run{}, fmt.Errorf("find run %s/%d: %w", pipeline, number, err)
	}
	var newest bucket.Object
	var run place.Run
	for _, object := range found {
		read, _, is := place.ReadEntry(namespace, pipeline, strings.TrimPrefix(object.Name, index))
		if is && !object.Modified.Before(newest.Modified) {
			newest, run = object, read
		}
	}
	if run.Name == "" {
		return run, fmt.Errorf("run %s/%d: %w", pipeline, number, bucket.ErrNotFound)
	}
	return run, nil
}
