package records

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// Bounds say how much is kept of each Pipeline.
type Bounds struct {
	// Age is how long a Run is kept after it was stored. 0: for ever.
	Age time.Duration
	// Count is how many Runs are kept. 0: all.
	Count int
	// Unrecorded is how long the logs are kept of a Run that has no record: it was deleted
	// before it could get one.
	Unrecorded time.Duration
}

// Expire removes what the bounds don't allow, and returns how many Runs that were.
func Expire(ctx context.Context, in bucket.Bucket, bounds Bounds, now time.Time) (removed int, err error) {
	err = each(ctx, in, "index/", 2, func(folder string) error {
		n, err := expireIndex(ctx, in, folder, bounds, now)
		removed += n
		return err
	})
	if err != nil {
		return removed, err
	}
	err = each(ctx, in, "runs/", 4, func(folder string) error {
		n, err := expireUnrecorded(ctx, in, folder, bounds, now)
		removed += n
		return err
	})
	return removed, err
}

// each calls for the folders so many levels below.
func each(ctx context.Context, in bucket.Bucket, prefix string, levels int, do func(folder string) error) error {
	if levels == 0 {
		return do(prefix)
	}
	names, err := in.Folders(ctx, prefix)
	if err != nil {
		return fmt.Errorf("list %s: %w", prefix, err)
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, each(ctx, in, prefix+name+"/", levels-1, do))
	}
	return errors.Join(errs...)
}

// expireIndex removes Runs of one Pipeline.
func expireIndex(ctx context.Context, in bucket.Bucket, index string, bounds Bounds, now time.Time) (removed int, err error) {
	entries, err := in.List(ctx, index, "", 0)
	if err != nil {
		return 0, fmt.Errorf("list %s: %w", index, err)
	}
	parts := strings.Split(index, "/")
	for i, entry := range entries {
		old := bounds.Age > 0 && now.Sub(entry.Modified) > bounds.Age
		if !old && (bounds.Count == 0 || i < bounds.Count) {
			continue
		}
		run, number, is := place.ReadEntry(parts[1], parts[2], strings.TrimPrefix(entry.Name, index))
		if !is {
			continue
		}
		if err := remove(ctx, in, run, number); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// remove removes all that is kept of a Run, and at last what leads to it.
func remove(ctx context.Context, in bucket.Bucket, run place.Run, number int64) error {
	if err := empty(ctx, in, run.Folder()); err != nil {
		return fmt.Errorf("remove run %s: %w", run.Name, err)
	}
	if err := in.Delete(ctx, run.NameEntry(), run.IndexEntry(number)); err != nil {
		return fmt.Errorf("remove run %s: %w", run.Name, err)
	}
	return nil
}

func empty(ctx context.Context, in bucket.Bucket, folder string) error {
	objects, err := in.List(ctx, folder, "", 0)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(objects))
	for i := range objects {
		names = append(names, objects[i].Name)
	}
	return in.Delete(ctx, names...)
}

// expireUnrecorded removes what is kept of a Run without a record, if nothing of it is
// new any more.
func expireUnrecorded(ctx context.Context, in bucket.Bucket, folder string, bounds Bounds, now time.Time) (removed int, err error) {
	parts := strings.Split(strings.TrimSuffix(folder, "/"), "/")
	run := place.Run{Namespace: parts[1], Pipeline: parts[2], Name: parts[3], UID: types.UID(parts[4])}
	record, err := in.List(ctx, run.Record(), "", 1)
	if err != nil || len(record) > 0 {
		return 0, err
	}
	objects, err := in.List(ctx, folder, "", 0)
	if err != nil {
		return 0, err
	}
	for i := range objects {
		if now.Sub(objects[i].Modified) <= bounds.Unrecorded {
			return 0, nil
		}
	}
	if err := empty(ctx, in, folder); err != nil {
		return 0, fmt.Errorf("remove what is left of run %s: %w", run.Name, err)
	}
	return 1, nil
}
