package configrepo

import (
	"context"
	"errors"
	"slices"
	stdsync "sync"
	"time"
)

// places bounds how many do something at once. Those who wait are served by
// namespace in turn, so that one namespace's many don't come before another's one.
// And who takes long doesn't keep others from theirs: each has a slice of time.
type places struct {
	// most is the number of places.
	most int
	// lent places go to another once their holder's slice is over, and the holder
	// goes on: it is right for waiting, which costs nothing. Otherwise the holder
	// is stopped, as soon as another waits.
	lent bool

	mu      stdsync.Mutex
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

// errOvertaken is the cause of a context that ended because others waited.
var errOvertaken = errors.New("others were waiting")

func newPlaces(most int, lent bool) *places {
	return &places{most: most, lent: lent, held: map[*place]bool{}, waiting: map[string][]*place{}}
}

// take waits for a place. What is done there is done with the context that is
// returned, and then release is called.
func (p *places) take(ctx context.Context, namespace string, slice time.Duration) (_ context.Context, release func(), err error) {
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

func (p *places) enter(mine *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting[mine.namespace]) == 0 {
		p.turns = append(p.turns, mine.namespace)
	}
	p.waiting[mine.namespace] = append(p.waiting[mine.namespace], mine)
	p.grant()
}

// leave gives up a place, or the wait for one. It may be called again.
func (p *places) leave(mine *place) {
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

func (p *places) sliceIsOver(mine *place) {
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
func (p *places) grant() {
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
			holder.stop(errOvertaken)
		}
	}
}

// setWaiting reports whether any are left.
func (p *places) setWaiting(namespace string, left []*place) bool {
	if len(left) == 0 {
		delete(p.waiting, namespace)
		return false
	}
	p.waiting[namespace] = left
	return true
}
