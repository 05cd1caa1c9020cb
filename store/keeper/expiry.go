package keeper

import (
	"context"
	"errors"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/records"
)

// every is how often the store removes what is kept for long enough.
const every = time.Hour

// Expiry removes Runs and caches from the store, on the replica that leads. Set every field.
type Expiry struct {
	Bucket bucket.Bucket
	Bounds records.Bounds
	// Caches bound the caches of a namespace.
	Caches  caches.Limits
	Clock   clock.Clock
	Metrics *Metrics
}

// Start removes them at once and then each hour, until the context is done.
func (e *Expiry) Start(ctx context.Context) error {
	logger := ctrl.LoggerFrom(ctx).WithName("retention")
	for {
		removed, err := records.Expire(ctx, e.Bucket, e.Bounds, e.Clock.Now())
		e.Metrics.removed.Add(float64(removed))
		evicted, failed := caches.Evict(ctx, e.Bucket, e.Caches, e.Clock.Now())
		if err = errors.Join(err, failed); err != nil && ctx.Err() == nil {
			logger.Error(err, "Not all that is old can be removed for now")
		}
		if removed+evicted > 0 {
			logger.Info("removed what is old", "runs", removed, "caches", evicted)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.Clock.After(every):
		}
	}
}
