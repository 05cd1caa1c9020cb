package webhook

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// leastRoom is what a body takes before its first byte; then it takes as much
	// again as has arrived.
	leastRoom = 1 << 10
	// grace is how long a sender may be slow before it has to make room.
	grace = time.Second
	// slowRate, in bytes a second, is less than any line has that a git host or a
	// person sends by.
	slowRate = 16 << 10
)

var (
	errNoRoom  = errors.New("the room for bodies is taken")
	errEvicted = errors.New("the body came too slowly, or its sender has taken too much of the room")
)

// room is the memory for bodies, shared by all that arrive and are held. Nobody
// has proved anything yet who takes of it: where it is short, slow senders lose
// theirs, and then those whose address and namespace have most.
type room struct {
	clock    clock.PassiveClock
	capacity int64
	// reserve is for the oldest body alone, so that one always gets to its end: many
	// large ones would else wait for each other.
	reserve int64

	mu     sync.Mutex
	taken  int64
	bodies []*body // in order of arrival
	// address and namespace have taken; both have no more entries than bodies.
	address, namespace map[string]int64
	// ending is what evicted bodies still hold.
	ending int64
}

// body is one that arrives or has arrived.
type body struct {
	room               *room
	address, namespace string
	began              time.Time
	// end stops its reading.
	end func()

	// Under the room's lock.
	held int64
	// last is when something arrived.
	last    time.Time
	whole   bool
	evicted bool
	// claim is what the body waits for, if it does.
	claim *claim
}

// claim on room that isn't there yet.
type claim struct {
	size  int64
	since time.Time
	// settled is closed when the claim is granted, or its body evicted.
	settled chan struct{}
}

func newRoom(clock clock.PassiveClock, capacity, reserve int64) *room {
	return &room{
		clock: clock, capacity: capacity, reserve: reserve,
		address: map[string]int64{}, namespace: map[string]int64{},
	}
}

// enter begins a body. Call leave when nothing needs it any more.
func (r *room) enter(address, namespace string, end func()) *body {
	b := &body{room: r, address: address, namespace: namespace, end: end}
	b.began, b.last = r.clock.Now(), r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, b)
	return b
}

// take waits for room until the context ends, and makes some if it can.
func (b *body) take(ctx context.Context, size int64) error {
	wanted, err := b.ask(size)
	if wanted == nil {
		return err
	}
	// Who isn't slow yet may be soon.
	again := time.NewTicker(grace)
	defer again.Stop()
	for {
		select {
		case <-wanted.settled:
			return b.settled(nil)
		case <-ctx.Done():
			return b.settled(errNoRoom)
		case <-again.C:
			b.room.makeFor(b)
		}
	}
}

// ask takes room, or returns a claim on it.
func (b *body) ask(size int64) (*claim, error) {
	r := b.room
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case b.evicted:
		return nil, errEvicted
	case r.fits(b, size):
		r.add(b, size)
		return nil, nil
	}
	b.claim = &claim{size: size, since: r.clock.Now(), settled: make(chan struct{})}
	wanted := b.claim
	r.evictFor(b)
	return wanted, nil
}

// settled is what has become of the body's claim, and reason if nothing has.
func (b *body) settled(reason error) error {
	r := b.room
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case b.evicted:
		return errEvicted
	case b.claim == nil:
		return nil
	}
	b.claim = nil
	return reason
}

func (r *room) fits(b *body, size int64) bool { return r.taken+size <= r.limit(b) }

func (r *room) limit(b *body) int64 {
	if b == r.oldest() {
		return r.capacity
	}
	return r.capacity - r.reserve
}

// oldest of the bodies that still arrive.
func (r *room) oldest() *body {
	for _, b := range r.bodies {
		if !b.whole && !b.evicted {
			return b
		}
	}
	return nil
}

func (r *room) add(b *body, size int64) {
	b.held += size
	r.taken += size
	r.address[b.address] += size
	r.namespace[b.namespace] += size
	if r.address[b.address] == 0 {
		delete(r.address, b.address)
	}
	if r.namespace[b.namespace] == 0 {
		delete(r.namespace, b.namespace)
	}
}

// grant gives what there is to who waits, in order of arrival.
func (r *room) grant() {
	for _, b := range r.bodies {
		if b.claim != nil && r.fits(b, b.claim.size) {
			r.add(b, b.claim.size)
			// The time in which KayCI didn't read is none of the sender's.
			b.began, b.last = b.began.Add(r.clock.Since(b.claim.since)), r.clock.Now()
			close(b.claim.settled)
			b.claim = nil
		}
	}
}

func (r *room) makeFor(b *body) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evictFor(b)
}

// evictFor evicts whoever has to make room for a body that waits.
func (r *room) evictFor(b *body) {
	for b.claim != nil && r.taken-r.ending+b.claim.size > r.limit(b) {
		victim := r.victim(b)
		if victim == nil {
			return
		}
		victim.evicted = true
		r.ending += victim.held
		victim.end()
		if victim.claim != nil {
			close(victim.claim.settled)
			victim.claim = nil
		}
		r.grant()
	}
}

// share that a body's kind has of the room. Behind a proxy all have one address,
// and namespaces decide; a single sender may name many namespaces, and its address
// does.
func (r *room) share(b *body) int64 { return r.address[b.address] + r.namespace[b.namespace] }

// victim is the body that has to make room for another, if any: a slow one before
// one of a larger share, and of those alike the one that holds most.
func (r *room) victim(forBody *body) *body {
	var worst *body
	var slow bool
	for _, b := range r.bodies {
		if b.whole || b.evicted || b == forBody || b.held == 0 {
			continue
		}
		isSlow := r.slow(b)
		if !isSlow && r.share(b) <= r.share(forBody)+2*forBody.claim.size {
			continue
		}
		if worst == nil || isSlow && !slow || isSlow == slow && r.worse(b, worst) {
			worst, slow = b, isSlow
		}
	}
	return worst
}

// slow is a body that has paused, or that arrives slowly all in all.
func (r *room) slow(b *body) bool {
	age := r.clock.Since(b.began)
	return b.claim == nil && age > grace && (r.clock.Since(b.last) > grace || b.held < int64(age.Seconds()*slowRate))
}

func (r *room) worse(a, b *body) bool {
	if x, y := r.share(a), r.share(b); x != y {
		return x > y
	}
	return a.held > b.held
}

// arrived notes that the sender goes on.
func (b *body) arrived() {
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	b.last = b.room.clock.Now()
}

// complete ends the time in which the body can be evicted.
func (b *body) complete() error {
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	if b.evicted {
		return errEvicted
	}
	b.whole = true
	b.room.grant()
	return nil
}

// leave gives the body's room back.
func (b *body) leave() {
	r := b.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.evicted {
		r.ending -= b.held
	}
	r.add(b, -b.held)
	r.bodies = slices.DeleteFunc(r.bodies, func(other *body) bool { return other == b })
	r.grant()
}
