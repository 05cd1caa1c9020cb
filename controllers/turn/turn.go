// Package turn has work of one namespace done one at a time, so that however much
// of it there is, the others have their share of the processors.
package turn

import (
	"context"
	"sync"
)

// Turns are those of all namespaces. The zero value is ready; it is safe for
// concurrent use, and keeps nothing of a namespace that has nothing to do.
type Turns struct {
	mu     sync.Mutex
	queues map[string]*queue
}

type queue struct {
	place chan struct{}
	// users are those in the place, or waiting.
	users int
}

// Take waits for the namespace's turn, as long as the context lasts. It ends with
// a call of done.
func (t *Turns) Take(ctx context.Context, namespace string) (done func(), err error) {
	q := t.join(namespace)
	select {
	case q.place <- struct{}{}:
		return func() {
			<-q.place
			t.leave(namespace, q)
		}, nil
	case <-ctx.Done():
		t.leave(namespace, q)
		return nil, context.Cause(ctx)
	}
}

func (t *Turns) join(namespace string) *queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queues == nil {
		t.queues = map[string]*queue{}
	}
	q, ok := t.queues[namespace]
	if !ok {
		q = &queue{place: make(chan struct{}, 1)}
		t.queues[namespace] = q
	}
	q.users++
	return q
}

func (t *Turns) leave(namespace string, q *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(t.queues, namespace)
	}
}
