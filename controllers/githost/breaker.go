package githost

import (
	"cmp"
	"sync"
	"time"

	"github.com/kayci/kayci/controllers/fault"
)

const (
	// minAway and maxAway bound how long a host that fails, and doesn't say how long, is
	// left alone.
	minAway, maxAway = time.Second, 5 * time.Minute
	// manyAway is how many hosts are kept before those that were left alone are swept.
	manyAway = 1000
)

// Breaker leaves hosts alone that are down or have had enough: whoever has many requests
// would else try each. It is safe for concurrent use.
type Breaker[K comparable] struct {
	// Most bounds how long a host is left alone that doesn't say how long. 0: 5 minutes.
	Most time.Duration

	mu   sync.Mutex
	away map[K]away
}

type away struct {
	until time.Time
	times int
}

// Note takes an error of the host. One that a person must end is about one request.
func (b *Breaker[K]) Note(host K, err error, now time.Time) {
	person, wait := fault.Of(err)
	if person != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	most, last := cmp.Or(b.Most, maxAway), b.away[host]
	if now.Before(last.until) {
		last.times-- // Of requests that failed together.
	}
	after := min(minAway<<min(max(last.times, 0), 10), most)
	if wait != nil && wait.After > 0 {
		after = wait.After
	}
	if len(b.away) >= manyAway {
		b.sweep(now.Add(-most))
	}
	if b.away == nil {
		b.away = map[K]away{}
	}
	until := now.Add(after)
	if until.Before(last.until) {
		until = last.until
	}
	b.away[host] = away{until, last.times + 1}
}

// sweep drops hosts that nobody has tried again since.
func (b *Breaker[K]) sweep(since time.Time) {
	for host, each := range b.away {
		if each.until.Before(since) {
			delete(b.away, host)
		}
	}
}

// Left returns how long the host is left alone yet.
func (b *Breaker[K]) Left(host K, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.away[host].until.Sub(now), 0)
}

// Close is for a host that has answered, or that nobody asks any more.
func (b *Breaker[K]) Close(host K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.away, host)
}

// Len returns how many hosts are kept.
func (b *Breaker[K]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.away)
}
