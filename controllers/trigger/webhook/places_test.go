package webhook

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPlacesAreShared fills the places by one namespace, and lets more of it wait
// than of another.
func TestPlacesAreShared(t *testing.T) {
	p := newPlaces(4, patience)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var got []bool
	for range 4 {
		got = append(got, p.enter(gone, "many"))
	}
	got = append(got, p.enter(gone, "few"), p.enter(gone, "more"))
	// The fourth of the one isn't admitted, so that there is one for another.
	if diff := cmp.Diff([]bool{true, true, true, false, true, false}, got); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}

	admitted := make(chan string, 8)
	for i, namespace := range []string{"many", "many", "few", "more", "many"} {
		go func() {
			if p.enter(t.Context(), namespace) {
				admitted <- namespace
			}
		}()
		eventually(t, "a request waits", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.waiting) == i+1
		})
	}
	order := make([]string, 0, 5)
	for _, leaves := range []string{"many", "many", "few", "more", "many"} {
		p.leave(leaves)
		order = append(order, wait(t, "the next request's place", admitted))
	}
	// "many" holds 2 when "more" comes, and 1 when "few" does, which holds 1: who came
	// first is first.
	if diff := cmp.Diff([]string{"more", "many", "few", "many", "many"}, order); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for namespace := range p.held {
		for range p.held[namespace] {
			p.leave(namespace)
		}
	}
	if p.free != 4 || len(p.held) != 0 || slices.Contains(order, "") {
		t.Errorf("%d places are free, and held are %v", p.free, p.held)
	}
}
