package turn

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneOfANamespaceAtATime(t *testing.T) {
	t.Parallel()
	var turns Turns
	var inside, most atomic.Int32
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			done, err := turns.Take(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			if now := inside.Add(1); now > most.Load() {
				most.Store(now)
			}
			inside.Add(-1)
			done()
		})
	}
	group.Wait()
	if got := most.Load(); got != 1 {
		t.Errorf("%d worked at once", got)
	}
	if len(turns.queues) != 0 {
		t.Errorf("queues that nobody is in: %v", turns.queues)
	}
}

func TestNamespacesDontWaitForEachOther(t *testing.T) {
	t.Parallel()
	var turns Turns
	done, err := turns.Take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := turns.Take(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()

	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := turns.Take(ctx, "a"); !errors.Is(err, gone) {
		t.Errorf("who no longer waits got %v", err)
	}
	done()
	if again, err := turns.Take(t.Context(), "a"); err != nil {
		t.Error(err)
	} else {
		again()
	}
	if len(turns.queues) != 0 {
		t.Errorf("queues that nobody is in: %v", turns.queues)
	}
}
