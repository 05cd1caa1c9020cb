package caches

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
)

const (
	// MaxKey bounds a key, in bytes.
	MaxKey = 512
	// MaxRestore is how many beginnings of keys may be asked for at once.
	MaxRestore = 16
	// maxIndex is how many of a scope's newest caches are looked at for one whose key
	// begins as asked, and atOnce how many at the same time.
	maxIndex, atOnce = 1000, 8
)

// CheckKey refuses what is no key.
func CheckKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key of a cache is empty")
	case len(key) > MaxKey:
		return fmt.Errorf("the key of a cache has %d bytes, more than %d: hash what makes it long", len(key), MaxKey)
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return fmt.Errorf("the key of a cache has letters that nobody can read: %.100q", key)
	}
	return nil
}

// Limits of caches.
type Limits struct {
	// Archive bounds each cache.
	Archive archive.Limits
	// Namespace is how much the caches of a namespace may have together, in bytes. What is
	// beyond goes, least used first. Nothing is taken beyond twice of it.
	Namespace int64
}

// Upload is how long a cache may be sent. Parts that have no manifest a day after they
// were sent are removed: none of those may get one any more.
const (
	upload = 12 * time.Hour
	orphan = 24 * time.Hour
)

// Parcel is where a cache is kept.
func Parcel(in bucket.Bucket, c place.Cache, head *parcel.Head) parcel.Parcel {
	return parcel.Parcel{Bucket: in, Parts: c.Upload(head.Pod, head.Upload), Manifest: c.Manifest()}
}

// Save makes a cache of parts that were sent. The head has its key, where the parts are
// and when it is. If the key is taken the first cache stays, and taken is true: nobody
// can change what others read.
func Save(ctx context.Context, in bucket.Bucket, scope place.Scope, head parcel.Head, manifest []byte, m *archive.Manifest) (taken bool, err error) {
	c := place.Cache{Scope: scope, Key: place.Hash(head.Key)}
	p := Parcel(in, c, &head)
	stored, err := p.Seal(ctx, head, manifest, m, head.Stored.Add(-upload))
	if err != nil && !errors.Is(err, parcel.ErrDiffers) {
		return false, fmt.Errorf("save a cache: %w", err)
	}
	if taken = stored.Pod != head.Pod || stored.Upload != head.Upload; taken {
		if err := p.Discard(ctx); err != nil {
			return true, fmt.Errorf("remove the parts of a cache that was there: %w", err)
		}
	}
	// It is listed by who has stored it or by who comes next, if that one was stopped
	// here.
	err = in.Put(ctx, c.IndexEntry(stored.Stored), []byte(stored.Key))
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return taken, fmt.Errorf("list a cache: %w", err)
	}
	return taken, nil
}

// Find returns the cache of a key, or else the newest whose key begins with one of the
// others: of the Run's own scope before those of other scopes. bucket.ErrNotFound: there
// is none.
func Find(ctx context.Context, from bucket.Bucket, scopes Scopes, key string, restore []string) (place.Cache, error) {
	for _, scope := range scopes.All() {
		c := place.Cache{Scope: scope, Key: place.Hash(key)}
		is, err := Exists(ctx, from, c)
		if err != nil || is {
			return c, err
		}
	}
	if len(restore) > 0 {
		for _, scope := range scopes.All() {
			c, is, err := newest(ctx, from, scope, restore)
			if err != nil || is {
				return c, err
			}
		}
	}
	return place.Cache{}, fmt.Errorf("cache: %w", bucket.ErrNotFound)
}

// Exists reports whether there is the cache.
func Exists(ctx context.Context, from bucket.Bucket, c place.Cache) (bool, error) {
	objects, err := from.List(ctx, c.Manifest(), "", 1)
	if err != nil {
		return false, fmt.Errorf("find a cache: %w", err)
	}
	return len(objects) > 0 && objects[0].Name == c.Manifest(), nil
}

// newest returns the newest cache of a scope whose key begins with the first text, or if
// there is none with the second, and so on.
func newest(ctx context.Context, from bucket.Bucket, scope place.Scope, restore []string) (place.Cache, bool, error) {
	objects, err := from.List(ctx, scope.Index(), "", maxIndex)
	if err != nil {
		return place.Cache{}, false, fmt.Errorf("list caches: %w", err)
	}
	// found are the newest of each text.
	found := make([]*place.Cache, len(restore))
	for len(objects) > 0 && found[0] == nil {
		some := objects[:min(atOnce, len(objects))]
		objects = objects[len(some):]
		keys, err := keysOf(ctx, from, scope, some)
		if err != nil {
			return place.Cache{}, false, err
		}
		for _, key := range keys {
			if err := match(ctx, from, scope, key, restore, found); err != nil {
				return place.Cache{}, false, err
			}
		}
	}
	for _, c := range found {
		if c != nil {
			return *c, true, nil
		}
	}
	return place.Cache{}, false, nil
}

// match notes the cache with each text that its key begins with and that has none yet.
func match(ctx context.Context, from bucket.Bucket, scope place.Scope, key string, restore []string, found []*place.Cache) error {
	for i, text := range restore {
		if key == "" || found[i] != nil || !strings.HasPrefix(key, text) {
			continue
		}
		c := place.Cache{Scope: scope, Key: place.Hash(key)}
		is, err := Exists(ctx, from, c)
		if err != nil || !is {
			return err
		}
		found[i] = &c
	}
	return nil
}

// keysOf reads entries of an index. What isn't the key that its name says is blank.
func keysOf(ctx context.Context, from bucket.Bucket, scope place.Scope, entries []bucket.Object) ([]string, error) {
	keys := make([]string, len(entries))
	group, ctx := errgroup.WithContext(ctx)
	for i := range entries {
		group.Go(func() error {
			key, err := text(ctx, from, entries[i].Name)
			c, is := place.ReadIndex(scope, strings.TrimPrefix(entries[i].Name, scope.Index()))
			if err == nil && is && place.Hash(key) == c.Key {
				keys[i] = key
			}
			return err
		})
	}
	return keys, group.Wait()
}

func text(ctx context.Context, from bucket.Bucket, name string) (string, error) {
	body, err := from.Get(ctx, name, 0, MaxKey)
	if errors.Is(err, bucket.ErrNotFound) {
		// It has just been removed.
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the key of a cache: %w", err)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, MaxKey))
	if err != nil {
		return "", fmt.Errorf("read the key of a cache: %w", err)
	}
	return string(data), nil
}

// Use notes that a cache is used today.
func Use(ctx context.Context, in bucket.Bucket, c place.Cache, now time.Time) error {
	err := in.Put(ctx, c.Used(now), nil)
	if err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("note that a cache is used: %w", err)
	}
	return nil
}

// ErrFull says that the namespace has twice as much as it may.
var ErrFull = errors.New("the caches of the namespace have twice the size that they may: nothing is taken until old ones are removed, each hour")

// Room returns an error if the cache may not have another part of that size.
func (l *Limits) Room(ctx context.Context, ledger *parcel.Ledger, c place.Cache, size int64) error {
	err := ledger.Add(ctx, place.CachesOf(c.Scope.Namespace), size, 2*l.Namespace)
	if errors.Is(err, parcel.ErrFull) {
		return ErrFull
	}
	return err
}
