package configrepo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// fetches tells when one begins.
type fetches struct {
	*world
	began chan struct{}
}

func (f *fetches) Fetch(ctx context.Context, req git.Request, rev git.Revision) error {
	close(f.began)
	return f.world.Fetch(ctx, req, rev)
}

// A new commit is fetched while the API server stores that a sync has begun.
func TestFetchDoesNotWaitForTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, configRepo())
		w.rendered = []render.Object{webPipeline("busybox:1")}
		f := &fetches{world: w, began: make(chan struct{})}
		w.reconciler.Fetcher = f
		w.beforeStatus = func() {
			select {
			case <-f.began:
			case <-time.After(time.Minute):
				t.Error("the fetch waits for the status")
			}
		}
		_, writes, _ := w.reconcile(t)
		expect(t, "writes", []string{"status mine", "status mine", "apply web", "status mine"}, writes)
	})
}
