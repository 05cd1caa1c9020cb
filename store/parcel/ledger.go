package parcel

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/bucket"
)

// ErrFull says that a folder holds as much as it may.
var ErrFull = errors.New("there is no room")

const (
	// least is what an object counts at least, in bytes: many small ones cost, too.
	least = 64 << 10
	// What a folder holds is known for so long, and of no more folders.
	known, folders = 10 * time.Second, 1024
)

// Ledger knows what folders hold, as of a moment ago. What others have added since then
// it doesn't know: a limit may be exceeded by what is added within that time.
type Ledger struct {
	bucket bucket.Bucket
	sums   *cache.LRUExpireCache
}

// NewLedger returns a ledger of a bucket's folders.
func NewLedger(of bucket.Bucket, now clock.PassiveClock) *Ledger {
	return &Ledger{bucket: of, sums: cache.NewLRUExpireCacheWithClock(folders, now)}
}

// Add notes that an object comes into the folder. ErrFull: then the folder would hold
// more than the limit.
func (l *Ledger) Add(ctx context.Context, folder string, size, limit int64) error {
	sum, is := l.sum(folder)
	if !is {
		objects, err := l.bucket.List(ctx, folder, "", 0)
		if err != nil {
			return err
		}
		sum = &atomic.Int64{}
		for i := range objects {
			sum.Add(Counted(objects[i].Size))
		}
		l.sums.Add(folder, sum, known)
	}
	if sum.Load()+Counted(size) > limit {
		return ErrFull
	}
	sum.Add(Counted(size))
	return nil
}

func (l *Ledger) sum(folder string) (*atomic.Int64, bool) {
	value, _ := l.sums.Get(folder)
	sum, is := value.(*atomic.Int64)
	return sum, is
}

// Counted is what an object of a size counts.
func Counted(size int64) int64 { return max(size, least) }
