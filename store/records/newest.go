package records

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kayci/kayci/store/bucket"
)

// unread are the entries of one Pipeline's Runs, newest first.
type unread struct {
	// names of them.
	names []string
	// oldest is the oldest that was read, or nil.
	oldest *Summary
}

// newer orders Runs by their age, the newest first.
func newer(a, b Summary) int {
	return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(b.Status.Number, a.Status.Number), strings.Compare(a.Name, b.Name))
}

// newest returns the newest Runs of several Pipelines. Of each it reads on only as long as
// what comes may be among them.
func newest(ctx context.Context, from bucket.Bucket, pages []*unread, limit int) ([]Summary, error) {
	step := limit/max(1, len(pages)) + 1
	var found []Summary
	for {
		var names []string
		var of []*unread
		for _, page := range pages {
			if len(found) >= limit && page.oldest != nil && newer(*page.oldest, found[limit-1]) > 0 {
				continue
			}
			n := min(step, len(page.names))
			for _, name := range page.names[:n] {
				names, of = append(names, name), append(of, page)
			}
			page.names = page.names[n:]
		}
		if len(names) == 0 {
			return found, nil
		}
		read, err := entries(ctx, from, names)
		if err != nil {
			return nil, err
		}
		for i, s := range read {
			if s != nil {
				of[i].oldest, found = s, append(found, *s)
			}
		}
		slices.SortStableFunc(found, newer)
		found = found[:min(len(found), limit)]
	}
}

// atOnce is how many entries are read at the same time.
const atOnce = 8

// entries reads them. Those that are being removed are nil.
func entries(ctx context.Context, from bucket.Bucket, names []string) ([]*Summary, error) {
	read := make([]*Summary, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() (err error) {
			read[i], err = entry(ctx, from, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return read, nil
}
