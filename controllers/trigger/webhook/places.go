package webhook

import (
	"context"
	"slices"
	"sync"
	"time"
)

// places are for requests that are handled at a time. Who waits for one comes next
// whose namespace has fewest, and no namespace gets all of them: a slow one, or one
// that is flooded, is in nobody else's way.
type places struct {
	patience time.Duration

	mu   sync.Mutex
	free int
	// most that a namespace gets.
	most    int
	held    map[string]int
	waiting []*waiter // in order of arrival
}

type waiter struct {
	namespace string
	admitted  chan struct{}
}

func newPlaces(n int, patience time.Duration) *places {
	return &places{patience: patience, free: n, most: max(1, n-n/4), held: map[string]int{}}
}

// enter waits a little for a place, and says whether there was one.
func (p *places) enter(ctx context.Context, namespace string) bool {
	waiting, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	w := &waiter{namespace: namespace, admitted: make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.admit()
	p.mu.Unlock()
	select {
	case <-w.admitted:
		return true
	case <-waiting.Done():
		return p.admitted(w)
	}
}

// admitted says whether who stops waiting has a place nevertheless.
func (p *places) admitted(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting, w)
	if i < 0 {
		return true
	}
	p.waiting = slices.Delete(p.waiting, i, i+1)
	return false
}

func (p *places) leave(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	if p.held[namespace]--; p.held[namespace] == 0 {
		delete(p.held, namespace)
	}
	p.admit()
}

func (p *places) admit() {
	for p.free > 0 {
		next := -1
		for i, w := range p.waiting {
			if held := p.held[w.namespace]; held < p.most && (next < 0 || held < p.held[p.waiting[next].namespace]) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := p.waiting[next]
		p.waiting = slices.Delete(p.waiting, next, next+1)
		p.free--
		p.held[w.namespace]++
		close(w.admitted)
	}
}
