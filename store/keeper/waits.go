package keeper

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// quiet is how long a Run has to have ended until its record is stored: what the
	// caches show may be that old.
	quiet = 2 * time.Second
	// patience is how long after a Run's end its logs and notifiers are waited for.
	patience = 8 * time.Minute
	// grace is how long they are waited for at least, once the Run was seen: a store that
	// was away for long reads the logs of Runs that ended meanwhile.
	grace = time.Minute
	// look is how often they are looked at, and oftener shortly after the end: mostly a
	// pod's end is all that is missing, which comes a second later.
	look = 10 * time.Second
	// pace is how many Runs of long ago are recorded each second: all of them are met at
	// once where a store was just installed.
	pace = 5
)

// waits knows since when Runs have been seen to have ended. The zero value is ready.
type waits struct {
	mu    sync.Mutex
	since map[types.UID]*since
	pace  *rate.Limiter
}

// since is when a Run was seen first to have ended.
type since struct {
	seen time.Time
	// old says that it had long ended then, and turn when it is recorded.
	old  bool
	turn time.Time
}

func (w *waits) of(run *v1alpha1.Run, now time.Time) *since {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since == nil {
		w.since, w.pace = map[types.UID]*since{}, rate.NewLimiter(pace, 1)
	}
	s := w.since[run.UID]
	if s == nil {
		s = &since{seen: now, old: now.Sub(run.Status.CompletionTime.Time) > longAgo}
		w.since[run.UID] = s
	}
	return s
}

func (w *waits) forget(run types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.since, run)
}

// wait returns how long to wait until the Run is looked at again; 0: its record is stored
// now. Open says that something of it is still to come. Who wrote the Run's times may have
// another clock.
func (w *waits) wait(run *v1alpha1.Run, now time.Time, open bool) time.Duration {
	s := w.of(run, now)
	seen := now.Sub(s.seen)
	ago := max(seen, now.Sub(run.Status.CompletionTime.Time))
	least := grace
	if s.old {
		// Nothing waits for its record.
		least = patience
	}
	switch {
	case ago < quiet:
		return quiet - ago
	case open && (ago < patience || seen < least):
		return max(quiet, min(ago, look))
	case s.old:
		return w.turn(s, now)
	default:
		return 0
	}
}

// turn returns how long it is to a Run's turn among those of long ago.
func (w *waits) turn(s *since, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.turn.IsZero() {
		s.turn = now.Add(w.pace.ReserveN(now, 1).DelayFrom(now))
	}
	return max(0, s.turn.Sub(now))
}
