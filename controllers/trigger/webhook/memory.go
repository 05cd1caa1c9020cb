package webhook

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kayci/kayci/api/expr"
)

var errNoMemory = errors.New("the memory for understanding bodies is taken")

// memory is what understanding bodies may take in all, beside the bodies: their
// number times the largest would be more than a process has.
type memory struct {
	left     *semaphore.Weighted
	patience time.Duration
}

func newMemory(patience time.Duration) *memory {
	return &memory{semaphore.NewWeighted(expr.MaxWeight), patience}
}

// take waits a little for as many bytes. More than there are means all of them.
func (m *memory) take(ctx context.Context, bytes int64) error {
	waiting, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	if m.left.Acquire(waiting, min(bytes, expr.MaxWeight)) != nil {
		return errNoMemory
	}
	return nil
}

func (m *memory) release(bytes int64) { m.left.Release(min(bytes, expr.MaxWeight)) }

// within calls a function that allocates as many bytes and keeps few.
func (m *memory) within(ctx context.Context, bytes int64, f func() error) error {
	if err := m.take(ctx, bytes); err != nil {
		return err
	}
	defer m.release(bytes)
	return f()
}
