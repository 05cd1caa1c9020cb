// Package places bounds how many do something that takes long, and shares the places
// fairly among namespaces.
package places

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Places bounds how many do something at once. Those who wait are served by
// namespace in turn, so that one namespace's many don't come before another's one.
// And who takes long doesn't keep others from theirs: each has a slice of time.
type Places struct {
	// most is the number of places.
	most int
	// lent: who has had a slice of time goes on, and counts no more.
	lent bool

	mu      sync.Mutex
	held    map[*place]bool
	waiting map[string][]*place
	// turns are the namespaces in which some wait.
	turns []string
}

// place is held by somebody, or waited for.
type place struct {
	namespace string
	granted   chan struct{}
	stop      context.CancelCauseFunc
	over      bool
}

// ErrOvertaken is the cause of a context that ended because others waited.
var ErrOvertaken = errors.New("others were waiting")

// New returns a number of places. Lent ones go to another once their holder's slice is
// over, and the holder goes on: it is right for waiting, which costs nothing. Of
// others the holder is stopped then, as soon as another waits.
func New(most int, lent bool) *Places {
	return &Places{most: most, lent: lent, held: map[*place]bool{}, waiting: map[string][]*place{}}
}

// Take waits for a place. What is done there is done with the context that is
// returned, and then release is called.
func (p *Places) Take(ctx context.Context, namespace string, slice time.Duration) (_ context.Context, release func(), err error) {
	within, stop := context.WithCancelCause(ctx)
	mine := &place{namespace: namespace, granted: make(chan struct{}), stop: stop}
	p.enter(mine)
	select {
	case <-mine.granted:
	case <-ctx.Done():
		p.leave(mine)
		stop(nil)
		return nil, nil, ctx.Err()
	}
	timer := time.AfterFunc(slice, func() { p.sliceIsOver(mine) })
	return within, func() {
		timer.Stop()
		p.leave(mine)
		stop(nil)
	}, nil
}

func (p *Places) enter(mine *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting[mine.namespace]) == 0 {
		p.turns = append(p.turns, mine.namespace)
	}
	p.waiting[mine.namespace] = append(p.waiting[mine.namespace], mine)
	p.grant()
}

// leave gives up a place, or the wait for one. It may be called again.
func (p *Places) leave(mine *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, mine)
	namespace := mine.namespace
	if at := slices.Index(p.waiting[namespace], mine); at >= 0 {
		p.setWaiting(namespace, slices.Delete(p.waiting[namespace], at, at+1))
		if len(p.waiting[namespace]) == 0 {
			p.turns = slices.DeleteFunc(p.turns, func(turn string) bool { return turn == namespace })
		}
	}
	p.grant()
}

func (p *Places) sliceIsOver(mine *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine.over = true
	if p.lent {
		delete(p.held, mine)
	}
	p.grant()
}

// grant hands out the places that are free, and makes those free that others have
// had long enough.
func (p *Places) grant() {
	for len(p.held) < p.most && len(p.turns) > 0 {
		namespace := p.turns[0]
		next := p.waiting[namespace][0]
		p.turns = p.turns[1:]
		if p.setWaiting(namespace, p.waiting[namespace][1:]) {
			p.turns = append(p.turns, namespace)
		}
		p.held[next] = true
		close(next.granted)
	}
	if len(p.turns) == 0 {
		return
	}
	for holder := range p.held {
		if holder.over {
			holder.stop(ErrOvertaken)
		}
	}
}

// setWaiting reports whether any are left.
func (p *Places) setWaiting(namespace string, left []*place) bool {
	if len(left) == 0 {
		delete(p.waiting, namespace)
		return false
	}
	p.waiting[namespace] = left
	return true
}
