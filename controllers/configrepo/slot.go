package configrepo

import (
	"context"
	stdsync "sync"
)

// slot is the one place for evaluating a commit. Each evaluation is a child
// process that may take most of the memory that the controller's own leaves, so
// that two of them could end in the controller being killed. Its zero value is
// free.
type slot struct {
	once  stdsync.Once
	place chan struct{}
}

// take waits for the slot and returns what gives it back, or the context's error.
func (s *slot) take(ctx context.Context) (release func(), err error) {
	s.once.Do(func() { s.place = make(chan struct{}, 1) })
	select {
	case s.place <- struct{}{}:
		return func() { <-s.place }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
