package poll

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kayci/kayci/controllers/remote"
	"github.com/kayci/kayci/sync/git"
)

const (
	// minGap is between two looks at a repository, whoever asks.
	minGap = 10 * time.Second
	// maxBackoff bounds what is between looks that fail, unless the interval is longer.
	maxBackoff = 10 * time.Minute
	// maxFault bounds it while somebody has something to put right, whatever the
	// interval: nobody tells KayCI of a Secret that was corrected.
	maxFault = 5 * time.Minute
)

// repository is what Triggers have in common that share a look.
type repository struct {
	namespace, url, secret, proxy string
}

// looks are the looks at all repositories. They go on in the background, so that no
// server keeps a reconcile waiting, and keep of each no more than what its Triggers
// follow.
type looks struct {
	list   func(context.Context, repository) (git.References, error)
	clock  clock.PassiveClock
	spread func(time.Duration) time.Duration
	// wake has a Trigger reconciled, which takes up what a look has found.
	wake func(types.NamespacedName)

	mu    sync.Mutex
	known map[repository]*views
	of    map[types.NamespacedName]repository
	// stopped: the process is ending, and nothing more begins.
	stopped bool
	running sync.WaitGroup
}

// views are what the Triggers of a repository have seen in it.
type views struct {
	readers map[types.NamespacedName]*reader
	looking bool
	// stretch is what the wait for the next look is multiplied with.
	stretch float64
	// ended is when the last look did. Zero: there was none.
	ended    time.Time
	failures int
	err      error
	cancel   context.CancelFunc
}

// reader is a Trigger, and what the last look has found for it: nil until a look has
// succeeded since the Trigger asks.
type reader struct {
	branches, tags []string
	found          *heads
}

// request is what a Trigger wants to see.
type request struct {
	name           types.NamespacedName
	at             repository
	branches, tags []string
	interval       time.Duration
}

// view is what is to be seen. Neither found nor err: nothing yet.
type view struct {
	found *heads
	err   error
	// next is when to ask again. Zero: the end of a look wakes the Trigger.
	next time.Duration
}

// see returns what the last look has found, and begins another when it is time.
func (l *looks) see(ctx context.Context, req request) view {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was, ok := l.of[req.name]; ok && was != req.at {
		l.drop(req.name)
	}
	v, r := l.join(req)
	if v.looking {
		return view{found: r.found, err: v.err}
	}
	if left := v.due(req.interval, r).Sub(l.clock.Now()); left > 0 {
		return view{found: r.found, err: v.err, next: left}
	}
	l.begin(ctx, req.at, v)
	return view{found: r.found, err: v.err}
}

func (l *looks) join(req request) (*views, *reader) {
	if l.known == nil {
		l.known, l.of = map[repository]*views{}, map[types.NamespacedName]repository{}
	}
	v := l.known[req.at]
	if v == nil {
		v = &views{readers: map[types.NamespacedName]*reader{}}
		l.known[req.at] = v
	}
	r := v.readers[req.name]
	if r == nil || !slices.Equal(r.branches, req.branches) || !slices.Equal(r.tags, req.tags) {
		r = &reader{branches: req.branches, tags: req.tags}
		v.readers[req.name] = r
	}
	l.of[req.name] = req.at
	return v, r
}

// due is when the next look is.
func (v *views) due(interval time.Duration, r *reader) time.Time {
	switch {
	case v.ended.IsZero():
		return v.ended
	case v.failures == 0 && r.found == nil:
		return v.ended.Add(minGap)
	}
	wait := backoff(interval, v.failures)
	if isFault(v.err) {
		wait = min(wait, maxFault)
	}
	return v.ended.Add(time.Duration(v.stretch * float64(wait)))
}

// isFault reports whether a person ends the error.
func isFault(err error) bool {
	if _, missing := errors.AsType[*remote.MissingSecretError](err); missing {
		return true
	}
	failed, is := errors.AsType[*git.Error](err)
	return is && !failed.Transient()
}

// backoff doubles the interval with each failure in a row.
func backoff(interval time.Duration, failures int) time.Duration {
	wait := interval
	for range failures {
		if wait >= maxBackoff {
			break
		}
		wait *= 2
	}
	return max(interval, min(wait, maxBackoff))
}

func (l *looks) begin(ctx context.Context, at repository, v *views) {
	if l.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v.looking, v.cancel = true, cancel
	l.running.Go(func() {
		defer cancel()
		found, err := l.guarded(ctx, at)
		if ctx.Err() != nil {
			return
		}
		for _, name := range l.end(v, found, err) {
			l.wake(name)
		}
	})
}

// guarded turns a panic into a failed look: what is read comes from strangers.
func (l *looks) guarded(ctx context.Context, at repository) (found git.References, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("a fault of KayCI: %v", cause)
			logf.FromContext(ctx).Error(err, "look panicked", "stack", string(debug.Stack()))
		}
	}()
	return l.list(ctx, at)
}

// end keeps what a look has found, and returns the Triggers that wait for it.
func (l *looks) end(v *views, found git.References, err error) []types.NamespacedName {
	l.mu.Lock()
	defer l.mu.Unlock()
	v.looking, v.ended, v.err = false, l.clock.Now(), err
	v.stretch = float64(l.spread(time.Hour)) / float64(time.Hour)
	v.failures++
	if err == nil {
		v.failures = 0
	}
	var names []types.NamespacedName
	for name, r := range v.readers {
		names = append(names, name)
		if err == nil {
			chosen := choose(found, r.branches, r.tags)
			r.found = &chosen
		}
	}
	return names
}

// forget drops a Trigger.
func (l *looks) forget(name types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(name)
}

// drop ends a look that nobody is waiting for any more.
func (l *looks) drop(name types.NamespacedName) {
	at, ok := l.of[name]
	if !ok {
		return
	}
	delete(l.of, name)
	v := l.known[at]
	delete(v.readers, name)
	if len(v.readers) > 0 {
		return
	}
	delete(l.known, at)
	if v.looking {
		v.cancel()
	}
}

// Start ends all looks with the manager.
func (l *looks) Start(ctx context.Context) error {
	<-ctx.Done()
	l.mu.Lock()
	l.stopped = true
	for _, v := range l.known {
		if v.looking {
			v.cancel()
		}
	}
	l.mu.Unlock()
	l.running.Wait()
	return nil
}
