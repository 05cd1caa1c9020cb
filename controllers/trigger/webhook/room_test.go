package webhook

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
)

// sender is a body of a test: who sends it, what has arrived of it, and how long
// ago it began.
type sender struct {
	address, namespace string
	held               int64
	age                time.Duration
	whole              bool
	// pause since something arrived.
	pause time.Duration
}

// TestRoomIsMadeBy tries who has to go for a small body of a new sender, when a
// room of 100 KiB is full.
func TestRoomIsMadeBy(t *testing.T) {
	const kib = 1 << 10
	tests := map[string]struct {
		senders []sender
		// evicted are their indexes.
		evicted []int
		taken   bool
	}{
		"there is room": {senders: []sender{{"a", "ci", 40 * kib, 0, false, 0}}, taken: true},
		"the reserve is the oldest's": {
			senders: []sender{{"new", "ci", 45 * kib, 0, false, 0}, {"new", "ci", 45 * kib, 0, false, 0}},
		},
		"whole bodies stay": {senders: []sender{{"a", "other", 96 * kib, time.Hour, true, 0}}},
		"a slow one goes": {
			senders: []sender{{"a", "ci", 30 * kib, 10 * time.Second, false, 0}, {"new", "ci", 65 * kib, time.Second, false, 0}},
			evicted: []int{0},
		},
		"one that has paused goes": {
			senders: []sender{{"new", "ci", 60 * kib, 3 * time.Second, false, 2 * time.Second}, {"new", "ci", 35 * kib, time.Second, false, 0}},
			evicted: []int{0},
		},
		"of slow ones the larger": {
			senders: []sender{{"new", "ci", 2 * kib, time.Minute, false, 0}, {"new", "ci", 20 * kib, time.Minute, false, 0}, {"new", "ci", 75 * kib, 0, false, 0}},
			evicted: []int{1},
		},
		"of many small slow ones a few": {
			senders: append(many(40, sender{"a", "ci", kib, time.Minute, false, 0}), sender{"new", "ci", 55 * kib, 0, false, 0}),
			evicted: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		},
		"an address that has more": {
			senders: []sender{{"a", "x", 30 * kib, 0, false, 0}, {"a", "y", 30 * kib, 0, false, 0}, {"b", "z", 35 * kib, 0, false, 0}},
			evicted: []int{0},
		},
		"behind a proxy a namespace that has more": {
			senders: []sender{{"new", "other", 60 * kib, 0, false, 0}, {"new", "ci", 35 * kib, 0, false, 0}},
			evicted: []int{0},
		},
		"nobody of the same kind": {
			senders: []sender{{"new", "ci", 60 * kib, 0, false, 0}, {"new", "ci", 35 * kib, 0, false, 0}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			clock := clocktesting.NewFakePassiveClock(time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC))
			now := clock.Now()
			r := newRoom(clock, 100*kib, 10*kib)
			var evicted []int
			for i, s := range tt.senders {
				clock.SetTime(now.Add(-s.age))
				b := r.enter(s.address, s.namespace, func() { evicted = append(evicted, i) })
				r.add(b, s.held)
				b.last = now.Add(-min(s.age, s.pause))
				b.whole = s.whole
			}
			clock.SetTime(now)
			before := r.enter("old", "old", func() {}) // has the reserve where no other is older
			if len(tt.senders) > 0 {
				before.leave()
			}
			b := r.enter("new", "ci", func() {})
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			err := b.take(gone, 5*kib)
			if diff := cmp.Diff(tt.evicted, evicted); diff != "" || tt.taken != (err == nil) {
				t.Errorf("error %v, evicted -want +got:\n%s", err, diff)
			}
		})
	}
}

func many(n int, one sender) []sender {
	all := make([]sender, n)
	for i := range all {
		all[i] = one
	}
	return all
}

// TestRoomIsHandedOn has bodies wait: in order of arrival they get what others give
// back, and who was evicted gets an error, also while it waits.
func TestRoomIsHandedOn(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC))
	r := newRoom(clock, 100, 10)
	whole := r.enter("a", "ci", func() {})
	r.add(whole, 90)
	whole.whole = true
	first, second := r.enter("b", "ci", func() {}), r.enter("b", "ci", func() {})
	errs := map[*body]chan error{first: make(chan error, 1), second: make(chan error, 1)}
	for b, size := range map[*body]int64{first: 60, second: 50} {
		go func() { errs[b] <- b.take(t.Context(), size) }()
	}
	eventually(t, "both wait", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return first.claim != nil && second.claim != nil
	})
	clock.SetTime(clock.Now().Add(time.Minute))
	whole.leave()
	if err := wait(t, "the first one's room", errs[first]); err != nil {
		t.Fatal(err)
	}
	if r.slow(first) {
		t.Error("waiting for room counts as slowness")
	}
	third := r.enter("c", "other", func() {})
	clock.SetTime(clock.Now().Add(time.Minute))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := third.take(gone, 80); !errors.Is(err, errNoRoom) {
		t.Errorf("before the evicted have gone: %v", err)
	}
	if err := first.complete(); !errors.Is(err, errEvicted) {
		t.Errorf("a slow body isn't evicted: %v", err)
	}
	first.leave()
	if err := wait(t, "the second one's room", errs[second]); err != nil {
		t.Error(err)
	}
	second.leave()
	third.leave()
	if r.taken != 0 || r.ending != 0 || len(r.bodies)+len(r.address)+len(r.namespace) != 0 {
		t.Errorf("left are %d bytes, %d ending, and %v %v %v", r.taken, r.ending, r.bodies, r.address, r.namespace)
	}
}
