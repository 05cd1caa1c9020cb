package keeper

import (
	"context"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/records"
)

// every is how often the store removes what is kept for long enough.
const every = time.Hour

// Expiry removes Runs from the store, on the replica that leads. Set every field.
type Expiry struct {
	Bucket  bucket.Bucket
	Bounds  records.Bounds
	Clock   clock.Clock
	Metrics *Metrics
}

// Start removes them at once and then each hour, until the context is done.
func (e *Expiry) Start(ctx context.Context) error {
	logger := ctrl.LoggerFrom(ctx).WithName("retention")
	for {
		removed, err := records.Expire(ctx, e.Bucket, e.Bounds, e.Clock.Now())
		e.Metrics.removed.Add(float64(removed))
		switch {
		case err != nil && ctx.Err() == nil:
			logger.Error(err, "Old Runs can't be removed for now", "removed", removed)
		case removed > 0:
			logger.Info("removed old Runs", "removed", removed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.Clock.After(every):
		}
	}
}
