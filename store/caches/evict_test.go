package caches_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/test/bucket"
)

// shelf is a bucket with caches, of one part each.
type shelf struct {
	*bucket.Memory

	now time.Time
}

func newShelf() *shelf {
	s := &shelf{Memory: &bucket.Memory{}, now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
	s.Now = func() time.Time { return s.now }
	return s
}

func scope(namespace string) place.Scope {
	return place.Scope{Namespace: namespace, Repository: place.Hash("web"), Name: place.Hash("main")}
}

func head(s *shelf, key, pod string) parcel.Head {
	return parcel.Head{Key: key, Pod: types.UID(pod), Upload: "0123456789abcdef", Stored: s.now}
}

// send stores the part of a cache, of a megabyte.
func (s *shelf) send(t *testing.T, namespace, key, pod string) {
	t.Helper()
	h := head(s, key, pod)
	err := caches.Parcel(s, place.Cache{Scope: scope(namespace), Key: place.Hash(key)}, &h).PutPart(t.Context(), 0, make([]byte, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) save(t *testing.T, namespace, key, pod string) {
	t.Helper()
	s.send(t, namespace, key, pod)
	if err := s.seal(t, namespace, key, pod); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) seal(t *testing.T, namespace, key, pod string) error {
	t.Helper()
	m := &archive.Manifest{Version: archive.Version, Parts: []archive.Part{{Size: 1 << 20, Raw: 1 << 20, SHA256: strings.Repeat("0", 64)}}}
	_, err := caches.Save(t.Context(), s, scope(namespace), head(s, key, pod), []byte(key), m)
	return err
}

// left are the keys that are found, exactly and by how they begin.
func (s *shelf) left(t *testing.T, namespace string, keys ...string) []string {
	t.Helper()
	found := []string{}
	for _, key := range keys {
		for _, restore := range [][]string{nil, {key[:len(key)-1]}} {
			asked := key
			if restore != nil {
				asked = "-"
			}
			c, err := caches.Find(t.Context(), s, caches.Scopes{Own: scope(namespace)}, asked, restore)
			if err == nil {
				h, err := parcel.ReadHead(t.Context(), s, c.Manifest())
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, h.Key)
			}
		}
	}
	return found
}

// names are what is left in the bucket, as counts by what they are for.
func (s *shelf) names(t *testing.T) map[string]int {
	t.Helper()
	objects, err := s.List(t.Context(), place.Caches, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, object := range objects {
		of, is := place.ReadCache("builds", strings.TrimPrefix(object.Name, place.CachesOf("builds")))
		counts[fmt.Sprintf("%t manifest=%t index=%t used=%t part=%t", is, of.Manifest, of.Indexed, of.Used, of.Upload != "")]++
	}
	return counts
}

// limits leave room for caches of a megabyte, with what belongs to them.
func limits(megabytes int64) caches.Limits {
	return caches.Limits{Namespace: megabytes*1<<20 + megabytes*256<<10}
}

func TestEvictLeastUsed(t *testing.T) {
	t.Parallel()
	s := newShelf()
	for i, key := range []string{"a1", "b1", "c1"} {
		s.now = s.now.Add(time.Duration(i) * time.Minute)
		s.save(t, "builds", key, "pod")
	}
	s.save(t, "other", "z1", "pod")
	for range 3 {
		s.now = s.now.Add(24 * time.Hour)
		if err := caches.Use(t.Context(), s, place.Cache{Scope: scope("builds"), Key: place.Hash("a1")}, s.now); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := caches.Evict(t.Context(), s, limits(2), s.now)
	if removed != 1 || err != nil {
		t.Errorf("%d removed: %v", removed, err)
	}
	if diff := cmp.Diff([]string{"a1", "a1", "c1", "c1"}, s.left(t, "builds", "a1", "b1", "c1")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"z1", "z1"}, s.left(t, "other", "z1")); diff != "" {
		t.Errorf("left of another namespace (-want +got):\n%s", diff)
	}
	// Of the three days of use the last is kept.
	if marks := s.names(t)["true manifest=false index=false used=true part=false"]; marks != 1 {
		t.Errorf("%d marks are left", marks)
	}
	removed, err = caches.Evict(t.Context(), s, limits(0), s.now)
	if removed != 3 || err != nil {
		t.Errorf("%d removed: %v", removed, err)
	}
	if diff := cmp.Diff(map[string]int{}, s.names(t)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// A scope that has more than half of the room makes place before all others, though its
// caches were used later, and keeps all of it while there is room.
func TestEvictOfTheLargest(t *testing.T) {
	t.Parallel()
	pull := place.Scope{Namespace: "builds", Repository: place.Hash("web"), Name: place.Hash("pull")}
	for _, tt := range []struct {
		room           int64
		main, ofOthers int
	}{{8, 2, 6}, {7, 2, 5}, {5, 2, 3}, {3, 1, 2}} {
		s := newShelf()
		for _, key := range []string{"a1", "a2"} {
			s.save(t, "builds", key, "pod")
		}
		for i := range 6 {
			s.now = s.now.Add(time.Minute)
			key := fmt.Sprintf("p%d", i)
			h := head(s, key, "pod")
			c := place.Cache{Scope: pull, Key: place.Hash(key)}
			if err := caches.Parcel(s, c, &h).PutPart(t.Context(), 0, make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
			m := &archive.Manifest{Version: archive.Version, Parts: []archive.Part{{Size: 1 << 20, Raw: 1 << 20, SHA256: strings.Repeat("0", 64)}}}
			if _, err := caches.Save(t.Context(), s, pull, h, []byte(key), m); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := caches.Evict(t.Context(), s, limits(tt.room), s.now); err != nil {
			t.Fatal(err)
		}
		left := map[place.Scope]int{}
		objects, err := s.List(t.Context(), place.Caches, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if of, is := place.ReadCache("builds", strings.TrimPrefix(object.Name, place.CachesOf("builds"))); is && of.Manifest {
				left[of.Cache.Scope]++
			}
		}
		if diff := cmp.Diff(map[place.Scope]int{scope("builds"): tt.main, pull: tt.ofOthers}, left); diff != "" {
			t.Errorf("room for %d (-want +got):\n%s", tt.room, diff)
		}
	}
}

// What isn't taken any more because there is too much of it is what goes: many small
// caches count, too.
func TestEvictManySmallCaches(t *testing.T) {
	t.Parallel()
	s := newShelf()
	l := limits(4)
	ledger := parcel.NewLedger(s, testclock.NewFakePassiveClock(s.now))
	empty := &archive.Manifest{Version: archive.Version}
	n := 0
	for ; n < 1000; n++ {
		key := fmt.Sprintf("key-%d", n)
		c := place.Cache{Scope: scope("builds"), Key: place.Hash(key)}
		if err := l.Room(t.Context(), parcel.NewLedger(s, testclock.NewFakePassiveClock(s.now)), c, 1); errors.Is(err, caches.ErrFull) {
			break
		}
		if _, err := caches.Save(t.Context(), s, scope("builds"), head(s, key, "pod"), []byte(key), empty); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := caches.Evict(t.Context(), s, l, s.now)
	if removed == 0 || err != nil {
		t.Errorf("%d of %d removed: %v", removed, n, err)
	}
	if err := l.Room(t.Context(), ledger, place.Cache{Scope: scope("builds")}, 1); err != nil {
		t.Error(err)
	}
}

func TestEvictOrphans(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.send(t, "builds", "lost", "pod")
	s.save(t, "builds", "kept", "pod")
	s.send(t, "builds", "kept", "loser")
	s.now = s.now.Add(23 * time.Hour)
	s.send(t, "builds", "new", "pod")
	whole := map[string]int{
		"true manifest=true index=false used=false part=false": 1,
		"true manifest=false index=true used=false part=false": 1,
		"true manifest=false index=false used=false part=true": 4,
	}
	for _, want := range []int{4, 2} {
		if _, err := caches.Evict(t.Context(), s, limits(100), s.now); err != nil {
			t.Fatal(err)
		}
		whole["true manifest=false index=false used=false part=true"] = want
		if diff := cmp.Diff(whole, s.names(t)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		s.now = s.now.Add(2 * time.Hour)
	}
	if diff := cmp.Diff([]string{"kept", "kept"}, s.left(t, "builds", "kept", "lost", "new")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	// What may be removed soon is no part of a cache any more.
	s.now = s.now.Add(12 * time.Hour)
	if err := s.seal(t, "builds", "new", "pod"); !errors.Is(err, parcel.ErrIncomplete) {
		t.Errorf("parts of long ago have become a cache: %v", err)
	}
}

// Killed between any two requests, what is left is whole or can't be found, and the next
// time removes it.
func TestEvictSurvives(t *testing.T) {
	t.Parallel()
	for from := 1; ; from++ {
		s := newShelf()
		s.save(t, "builds", "a1", "pod")
		s.save(t, "builds", "b1", "pod")
		if err := caches.Use(t.Context(), s, place.Cache{Scope: scope("builds"), Key: place.Hash("a1")}, s.now); err != nil {
			t.Fatal(err)
		}
		requests := 0
		s.Before = func(string) error {
			if requests++; requests >= from {
				return errors.New("killed")
			}
			return nil
		}
		_, err := caches.Evict(t.Context(), s, limits(0), s.now)
		s.Before = nil
		if requests < from {
			if err != nil || from < 9 {
				t.Errorf("after %d requests: %v", from-1, err)
			}
			return
		}
		if err == nil {
			t.Errorf("killed at request %d: no error", from)
		}
		for _, key := range s.left(t, "builds", "a1", "b1") {
			c := place.Cache{Scope: scope("builds"), Key: place.Hash(key)}
			h := head(s, key, "pod")
			if _, err := s.Get(t.Context(), caches.Parcel(s, c, &h).Part(0), 0, -1); err != nil {
				t.Errorf("killed at request %d: cache %s has lost a part", from, key)
			}
		}
		s.now = s.now.Add(25 * time.Hour)
		if _, err := caches.Evict(t.Context(), s, limits(0), s.now); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(map[string]int{}, s.names(t)); diff != "" {
			t.Errorf("killed at request %d, left (-want +got):\n%s", from, diff)
		}
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"go-1":                     "",
		strings.Repeat("a", 512):   "",
		"":                         "the key of a cache is empty",
		strings.Repeat("a", 513):   "the key of a cache has 513 bytes, more than 512: hash what makes it long",
		"a\x00b":                   `the key of a cache has letters that nobody can read: "a\x00b"`,
		"a\nb":                     `the key of a cache has letters that nobody can read: "a\nb"`,
		string([]byte{0xff, 0xfe}): `the key of a cache has letters that nobody can read: "\xff\xfe"`,
	} {
		said := ""
		if err := caches.CheckKey(key); err != nil {
			said = err.Error()
		}
		if said != want {
			t.Errorf("%.20q: %s", key, said)
		}
	}
}
