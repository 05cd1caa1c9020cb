package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Sink is told what a Run's containers print. It is called by one goroutine at a time.
type Sink interface {
	// Line is one of a container's log.
	Line(c *Container, line *Line) error
	// Missing says in a sentence what of the logs of a job or service is missing; with a
	// container, of its log.
	Missing(part string, c *Container, what string) error
}

// Follower follows a Run.
type Follower struct {
	Pods *Pods
	// Run returns the Run as it is now.
	Run func(context.Context) (*v1alpha1.Run, error)
	// Filter says which logs are wanted.
	Filter Filter
	// Options of each log.
	Options Options
	// Every is how often to look at the Run; each second if it is zero.
	Every time.Duration
}

// follow is what is known while a Run is followed.
type follow struct {
	*Follower

	sink  Sink
	mu    sync.Mutex
	group sync.WaitGroup
	fail  context.CancelCauseFunc
	begun map[types.UID]map[string]bool
}

// Follow reads all logs of the Run that are wanted, those of jobs that start later, too.
// It ends when the Run has, and each log. It returns the Run as it was seen last. Those
// that have ended before come first, one after the other.
func (f *Follower) Follow(ctx context.Context, sink Sink) (*v1alpha1.Run, error) {
	run, err := f.Run(ctx)
	if err != nil {
		return nil, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	seen, err := f.Pods.see(ctx, run)
	if err != nil {
		return run, err
	}
	followed := &follow{Follower: f, sink: sink, fail: fail, begun: map[types.UID]map[string]bool{}}
	for _, at := range followed.due(seen.found(run), true) {
		if err := followed.read(ctx, at); err != nil {
			return run, err
		}
	}
	run, err = followed.loop(ctx, run, seen)
	if err != nil {
		fail(err)
	}
	followed.group.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return run, cause
	}
	return run, followed.rest(seen.found(run))
}

// loop begins to read each log as its container starts, until the Run has ended.
func (f *follow) loop(ctx context.Context, run *v1alpha1.Run, seen *seen) (*v1alpha1.Run, error) {
	ticker := time.NewTicker(cmp.Or(f.Every, time.Second))
	defer ticker.Stop()
	answered := time.Now()
	for {
		over, err := whole(ctx, run, seen, answered)
		if err != nil {
			return run, err
		}
		for _, at := range f.due(seen.found(run), false) {
			f.group.Go(func() {
				if err := f.read(ctx, at); err != nil {
					f.fail(err)
				}
			})
		}
		if over {
			return run, nil
		}
		select {
		case <-ctx.Done():
			return run, context.Cause(ctx)
		case <-seen.changed:
			continue
		case <-ticker.C:
		}
		now, err := f.look(ctx, run, seen)
		switch {
		case err == nil:
			if run = now; !run.Status.Phase.Finished() {
				answered = time.Now()
			}
		case final(err) || errors.Is(err, errDeleted) || time.Since(answered) > defaultPatience:
			return run, err
		}
	}
}

// whole reports whether the Run has ended and all its pods were seen: what isn't seen
// then won't start any more. An API server that doesn't answer just then is asked again.
func whole(ctx context.Context, run *v1alpha1.Run, seen *seen, answered time.Time) (bool, error) {
	if !run.Status.Phase.Finished() {
		return false, nil
	}
	err := seen.look(ctx, run)
	if err != nil && (final(err) || time.Since(answered) > defaultPatience) {
		return false, err
	}
	return err == nil, nil
}

// errDeleted says that the Run isn't there any more.
var errDeleted = errors.New("it was deleted while it was followed")

// look returns the Run as it is now. It may have taken jobs of an earlier one since.
func (f *follow) look(ctx context.Context, run *v1alpha1.Run, seen *seen) (*v1alpha1.Run, error) {
	now, err := f.Run(ctx)
	if apierrors.IsNotFound(err) || err == nil && now.UID != run.UID {
		return nil, fmt.Errorf("run %s: %w", run.Name, errDeleted)
	}
	if err == nil && selector(now) != selector(run) {
		err = seen.look(ctx, now)
	}
	return now, err
}

// due are the containers whose logs are to be read and aren't yet: those that have
// started, or only those that have ended.
func (f *follow) due(found *Found, ended bool) []Container {
	var due []Container
	for _, part := range found.Parts() {
		for _, c := range f.Filter.Of(&part) {
			if c.State.Started.IsZero() || ended && c.State.Ended.IsZero() || f.begun[c.UID][c.Name] {
				continue
			}
			if f.begun[c.UID] == nil {
				f.begun[c.UID] = map[string]bool{}
			}
			f.begun[c.UID][c.Name] = true
			due = append(due, c)
		}
	}
	return due
}

// read reads one log to its end.
func (f *follow) read(ctx context.Context, c Container) error {
	options := f.Options
	options.Follow = true
	end, err := f.Pods.Read(ctx, &c, options, func(line *Line) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.sink.Line(&c, line)
	})
	if err != nil {
		// What it broke off with is told by the first that has failed.
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, what := range end.Missing {
		if err := f.sink.Missing(c.Part(), &c, what); err != nil {
			return err
		}
	}
	return nil
}

// rest tells what there was no log of.
func (f *follow) rest(found *Found) error {
	var errs []error
	for _, part := range found.Parts() {
		for _, what := range f.Filter.Missing(&part) {
			errs = append(errs, f.sink.Missing(part.Name, nil, what))
		}
	}
	return errors.Join(errs...)
}
