package caches

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
)

// settled is how old an entry of the index or a mark has to be before it goes because
// its cache isn't there: the cache may have come after that was looked at.
const settled = time.Hour

// Evict removes caches of each namespace that has too many, least used first, and parts
// that belong to none. It returns how many caches that were.
func Evict(ctx context.Context, in bucket.Bucket, limits Limits, now time.Time) (removed int, err error) {
	namespaces, err := in.Folders(ctx, place.Caches)
	if err != nil {
		return 0, fmt.Errorf("list caches: %w", err)
	}
	var errs []error
	for _, namespace := range namespaces {
		n, err := evict(ctx, in, namespace, limits.Namespace, now)
		removed += n
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

func evict(ctx context.Context, in bucket.Bucket, namespace string, limit int64, now time.Time) (removed int, err error) {
	objects, err := in.List(ctx, place.CachesOf(namespace), "", 0)
	if err != nil {
		return 0, fmt.Errorf("list the caches of namespace %s: %w", namespace, err)
	}
	whole, loose := sort(namespace, objects, now)
	gone, stay := surplus(whole, limit)
	for _, c := range gone {
		// What leads to the parts goes before them. Broken off, it is taken up again: what
		// is left is still a cache, or has no manifest.
		for _, some := range [][]bucket.Object{c.index, {c.manifest}, c.parts(), c.marks} {
			if err := in.Delete(ctx, names(some)...); err != nil {
				return removed, fmt.Errorf("remove a cache of namespace %s: %w", namespace, err)
			}
		}
		removed++
	}
	for _, c := range stay {
		lost, err := c.lost(ctx, in, now)
		if err != nil {
			return removed, err
		}
		loose = append(loose, lost...)
	}
	if err := in.Delete(ctx, names(loose)...); err != nil {
		return removed, fmt.Errorf("remove what is left of caches of namespace %s: %w", namespace, err)
	}
	return removed, nil
}

func names(objects []bucket.Object) []string {
	all := make([]string, len(objects))
	for i := range objects {
		all[i] = objects[i].Name
	}
	return all
}

// group is what belongs to one cache.
type group struct {
	scope        place.Scope
	manifest     bucket.Object
	index, marks []bucket.Object
	// uploads are the parts of each.
	uploads map[string][]bucket.Object
	size    int64
	used    time.Time
}

// sort puts together what belongs together: in whole caches, and in what may go.
func sort(namespace string, objects []bucket.Object, now time.Time) (whole []*group, loose []bucket.Object) {
	groups := map[place.Cache]*group{}
	for i := range objects {
		of, is := place.ReadCache(namespace, strings.TrimPrefix(objects[i].Name, place.CachesOf(namespace)))
		if !is {
			continue
		}
		if groups[of.Cache] == nil {
			groups[of.Cache] = &group{scope: of.Cache.Scope, uploads: map[string][]bucket.Object{}}
		}
		groups[of.Cache].add(of, objects[i])
	}
	for _, g := range groups {
		if g.manifest.Name == "" {
			loose = append(loose, g.leftovers(now)...)
		} else {
			whole = append(whole, g)
		}
	}
	return whole, loose
}

func (g *group) add(of place.CacheObject, object bucket.Object) {
	switch {
	case of.Manifest:
		g.manifest = object
	case of.Indexed:
		g.index = append(g.index, object)
	case of.Used:
		g.marks = append(g.marks, object)
	default:
		g.uploads[of.Upload] = append(g.uploads[of.Upload], object)
	}
	g.size += parcel.Counted(object.Size)
	if object.Modified.After(g.used) {
		g.used = object.Modified
	}
}

func (g *group) parts() []bucket.Object {
	return slices.Concat(slices.Collect(maps.Values(g.uploads))...)
}

// leftovers are what may go of a cache that isn't there.
func (g *group) leftovers(now time.Time) []bucket.Object {
	var old []bucket.Object
	for _, object := range slices.Concat(g.index, g.marks) {
		if now.Sub(object.Modified) > settled {
			old = append(old, object)
		}
	}
	for _, parts := range g.uploads {
		old = append(old, orphans(parts, now)...)
	}
	return old
}

// orphans are the parts, if no manifest may come any more that names them.
func orphans(parts []bucket.Object, now time.Time) []bucket.Object {
	if slices.ContainsFunc(parts, func(part bucket.Object) bool { return now.Sub(part.Modified) <= orphan }) {
		return nil
	}
	return parts
}

// lost are what may go though the cache stays: the parts of other uploads than its own,
// and marks of days before the last.
func (g *group) lost(ctx context.Context, in bucket.Bucket, now time.Time) ([]bucket.Object, error) {
	var old []bucket.Object
	if len(g.marks) > 1 {
		old = append(old, g.marks[:len(g.marks)-1]...)
	}
	if len(g.uploads) < 2 {
		return old, nil
	}
	head, err := parcel.ReadHead(ctx, in, g.manifest.Name)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a cache: %w", err)
	}
	for upload, parts := range g.uploads {
		if upload != string(head.Pod)+"/"+head.Upload {
			old = append(old, orphans(parts, now)...)
		}
	}
	return old, nil
}

// share of a namespace's room that a scope may have though others need it: 1 in so many.
const share = 2

// surplus are the caches that don't fit, least used first: those of a scope that has more
// than its share before all others, so that no branch pushes out all of another's.
func surplus(all []*group, limit int64) (gone, stay []*group) {
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(a.used.Compare(b.used), strings.Compare(a.manifest.Name, b.manifest.Name))
	})
	size, sizes := int64(0), map[place.Scope]int64{}
	for _, g := range all {
		size += g.size
		sizes[g.scope] += g.size
	}
	for _, least := range []int64{limit / share, 0} {
		stay = nil
		for _, g := range all {
			if size <= limit || sizes[g.scope] <= least {
				stay = append(stay, g)
				continue
			}
			size -= g.size
			sizes[g.scope] -= g.size
			gone = append(gone, g)
		}
		all = stay
	}
	return gone, stay
}
