package logs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// Keeper keeps logs.
type Keeper struct {
	// Bucket to keep them in.
	Bucket bucket.Bucket
	// Source to read them from.
	Source runlogs.Source
	// Clock tells how old a part is.
	Clock clock.WithTicker
	// MaxBytes is how much of a container's log is kept; all of it if it is zero.
	MaxBytes int64
	// MaxAge is how long what was printed may be unstored while nothing more is; a
	// minute if it is zero.
	MaxAge time.Duration
	// Patience is how long a bucket that takes nothing is tried again, during which
	// nothing more is read; a quarter of an hour if it is zero.
	Patience time.Duration

	packer packer
	making sync.Once
	puts   chan []byte
}

const (
	defaultMaxAge   = time.Minute
	defaultPatience = 15 * time.Minute
	// again is how long to wait before a bucket is tried again.
	again = 2 * time.Second
	// putsAtOnce is how many parts are put at the same time.
	putsAtOnce = 8
)

// errTaken says that somebody else keeps the same log.
var errTaken = errors.New("another process keeps the log, too")

// errLimit ends a log that is too long.
var errLimit = errors.New("the log is longer than what is kept")

// Keep reads the container's log to its end and keeps it, going on behind what was kept
// before. Late is how long the log had to wait for that.
func (k *Keeper) Keep(ctx context.Context, log place.Log, c *runlogs.Container, masker *mask.Masker, late time.Duration) (End, error) {
	for {
		end, err := k.once(ctx, log, c, masker, late)
		if !errors.Is(err, errTaken) {
			return end, err
		}
	}
}

func (k *Keeper) once(ctx context.Context, log place.Log, c *runlogs.Container, masker *mask.Masker, late time.Duration) (End, error) {
	if end, err := ReadEnd(ctx, k.Bucket, log); end != nil || err != nil {
		return *orZero(end), err
	}
	w := &writer{Keeper: k, log: log, masker: masker, late: late, line: 1, part: k.packer.part()}
	options := runlogs.Options{Follow: true, Whole: true}
	if err := w.resume(ctx, &options); err != nil {
		return End{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var aged sync.WaitGroup
	defer aged.Wait()
	defer cancel(nil)
	aged.Go(func() { w.age(ctx, cancel) })
	read, err := k.Source.Read(ctx, c, options, func(line *runlogs.Line) error { return w.take(ctx, line) })
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return w.finish(ctx, read, err)
}

// putting has memory for each part that is put at the same time, nil if it is to be made.
func (k *Keeper) putting() chan []byte {
	k.making.Do(func() {
		k.puts = make(chan []byte, putsAtOnce)
		for range putsAtOnce {
			k.puts <- nil
		}
	})
	return k.puts
}

func orZero(end *End) *End {
	if end == nil {
		return &End{}
	}
	return end
}

// Refuse says of a log that it isn't kept, and why.
func (k *Keeper) Refuse(ctx context.Context, log place.Log, state runlogs.State, why string) (End, error) {
	w := &writer{Keeper: k, log: log, line: 1}
	return w.end(ctx, runlogs.End{State: state, Missing: []string{why}})
}

// Gone ends the log of a container whose pod is gone, with what was kept before.
func (k *Keeper) Gone(ctx context.Context, log place.Log, state runlogs.State) (End, error) {
	if end, err := ReadEnd(ctx, k.Bucket, log); end != nil || err != nil {
		return *orZero(end), err
	}
	w := &writer{Keeper: k, log: log, line: 1}
	if err := w.resume(ctx, &runlogs.Options{}); err != nil {
		return End{}, err
	}
	what := "its pod is gone, and its log with it"
	if w.before > 0 {
		what = fmt.Sprintf("its pod was deleted: what it printed after %s is lost", runlogs.ClockTime(w.last))
	}
	return w.end(ctx, runlogs.End{State: state, Missing: []string{what}})
}
