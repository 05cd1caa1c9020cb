package run_test

import (
	"context"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/recent"
)

// slow is an API server that takes its time to create something.
type slow struct {
	client.Client
	w *world
}

func (s *slow) Create(ctx context.Context, obj client.Object, opts ...client.CreateOption) error {
	s.w.clock.SetTime(s.w.clock.Now().Add(recent.Remembered + time.Second))
	return s.Client.Create(ctx, obj, opts...)
}

// What was written is remembered from then on, not since the Run was read.
func TestSlowAnswersAreRemembered(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.sync()
	w.reconciler.Client = &slow{w.reconciler.Client, w}
	w.mustReconcile("run")
	w.mustReconcile("run")
	if len(w.liveReads) > 0 {
		t.Errorf("read %v, which it has just made", w.liveReads)
	}
}
