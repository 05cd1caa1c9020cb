package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/printable"
)

// maxFruitless is how often the log of a container that has ended is resumed in vain
// before its end is taken for the end.
const maxFruitless = 2

// tries is how often a log is opened without a line that is new, if it isn't followed.
const tries = 4

// run reads until the log has ended.
func (r *reading) run(ctx context.Context) error {
	if err := r.start(ctx); err != nil || r.end.State.Started.IsZero() {
		return err
	}
	patience := patience{pause: cmp.Or(r.pods.Pause, defaultPause), answered: time.Now()}
	for {
		before := r.end.Lines
		err := r.stream(ctx, r.options.Follow && r.end.State.Ended.IsZero())
		if errors.Is(err, errEnough) {
			return nil
		}
		if final(err) {
			return err
		}
		progress := r.end.Lines > before
		over, judged := r.judge(ctx, err, progress)
		if over || final(judged) {
			return judged
		}
		if err = cmp.Or(err, judged); progress || err == nil {
			patience.failed, patience.answered = 0, time.Now()
		} else {
			patience.failed++
		}
		if err != nil && r.tired(patience) {
			return err
		}
		if progress {
			patience.pause = cmp.Or(r.pods.Pause, defaultPause)
		}
		r.pause(ctx, patience.pause)
		patience.pause = min(2*patience.pause, maxPause)
	}
}

// patience is what is left of it.
type patience struct {
	failed   int
	answered time.Time
	pause    time.Duration
}

// tired reports whether an error is the last.
func (r *reading) tired(p patience) bool {
	if r.options.Follow {
		return time.Since(p.answered) > cmp.Or(r.pods.Patience, defaultPatience)
	}
	return p.failed >= tries
}

// start waits for the container to start, if the log is followed.
func (r *reading) start(ctx context.Context) error {
	for r.end.State.Started.IsZero() {
		state, err := r.pods.await(ctx, r.container, 0, func(s State) bool { return !r.options.Follow || !s.Started.IsZero() || s.Never })
		if errors.Is(err, errGone) {
			r.miss("its pod is gone, and its log with it")
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.end.State = state
		if state.Never {
			r.miss("it never started%s", because(state.Reason))
			return nil
		}
		if !r.options.Follow && state.Started.IsZero() {
			r.miss("it hasn't started yet%s", because(state.Reason))
			return nil
		}
	}
	return nil
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", printable.Text(reason))
}

// judge looks at the container once a stream has ended, with an error or without, which
// says nothing of whether the log has. It reports whether the reading is over.
func (r *reading) judge(ctx context.Context, broke error, progress bool) (over bool, err error) {
	pod, err := r.pods.pod(ctx, r.container)
	if errors.Is(err, errGone) {
		return true, r.gone()
	}
	if err != nil {
		return false, err
	}
	r.look(pod)
	switch {
	case broke != nil:
		return false, broke
	case !r.end.State.Ended.IsZero():
		return r.ended(ctx, progress)
	case r.options.Follow:
		return false, nil
	default:
		return true, r.remainder()
	}
}

// look notes what has become of the container.
func (r *reading) look(pod *corev1.Pod) {
	before := r.end.State
	r.end.State = stateOf(pod, r.container.Name)
	if r.end.State.Restarts > before.Restarts {
		r.miss("it was started again at %s: what it printed right before may be missing", ClockTime(r.end.State.Started))
	}
}

// gone ends a log whose pod was deleted while it was read. Nothing is lost if the last
// stream ended by itself and the container was seen to have ended, as of a pod that was
// evicted.
func (r *reading) gone() error {
	switch {
	case r.clean && !r.end.State.Ended.IsZero():
		return r.whole()
	case r.end.Lines == 0:
		r.miss("its pod is gone, and its log with it")
	default:
		r.miss("its pod was deleted: what it printed after %s is lost", ClockTime(r.end.Last))
	}
	return nil
}

// whole ends a log whose last line was read.
func (r *reading) whole() error {
	if err := r.remainder(); err != nil {
		return err
	}
	r.end.Complete = true
	r.beginning()
	return nil
}

// ended makes sure that the stream of a container that has ended gave all there is: API
// servers end one without an error, too, if the node's breaks.
func (r *reading) ended(ctx context.Context, progress bool) (over bool, err error) {
	if progress {
		r.fruitless = 0
	}
	// The node may cut a long last line otherwise when it is asked for that one alone.
	if r.fruitless < maxFruitless {
		last, err := r.last(ctx)
		if apierrors.IsNotFound(err) {
			return true, r.gone()
		}
		if err != nil {
			return false, err
		}
		if !last || len(r.rest) > 0 {
			r.fruitless++
			return false, nil
		}
	}
	return true, r.whole()
}

// maxSaid bounds what is repeated of what a node says, in bytes.
const maxSaid = 300

// remainder passes on the last line of a log that doesn't end with a line's end.
func (r *reading) remainder() error {
	if len(r.rest) == 0 {
		return nil
	}
	if r.excused() {
		what := "it"
		if r.end.Lines > 0 {
			what = "the rest of it"
		}
		r.miss("the node can't give %s: %s", what, printable.Text(printable.CutBytes(string(r.rest), maxSaid)))
		return nil
	}
	if err := r.take(piece{text: r.rest}, r.inside); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// beginning notes that a log's first lines were probably rotated away. A node doesn't
// say so, and a log that begins late may be of a program that was silent at first: it
// is told where the log has grown so fast that a node has rotated it.
func (r *reading) beginning() {
	if r.options.Tail != nil || !r.options.Since.IsZero() || r.awaited || r.end.First.IsZero() {
		return
	}
	late, took := r.end.First.Sub(r.end.State.Started), r.end.Last.Sub(r.end.First)
	if late < leastLate || r.end.Bytes < leastRotated {
		return
	}
	if before := float64(r.end.Bytes) / max(took.Seconds(), 1) * late.Seconds(); before < keptBytes {
		return
	}
	r.miss("lines before %s were probably rotated away by the node: the log begins %s after the container's start, and a node keeps the newest 10 MiB or so",
		ClockTime(r.end.First), printable.Duration(late.Round(time.Second)))
}

const (
	// leastLate is how long after its container's start a log begins that lacks its
	// beginning. Starts are known in seconds.
	leastLate = 2 * time.Second
	// leastRotated is how many bytes such a log has at least.
	leastRotated = 64 << 10
	// keptBytes is when nodes rotate a log, if their administrator didn't choose otherwise.
	keptBytes = 10 << 20
)

// pause waits before the stream is resumed, or until the container has ended.
func (r *reading) pause(ctx context.Context, atMost time.Duration) {
	if r.end.State.Ended.IsZero() {
		// What it finds is looked at again, unless the pod is gone by then.
		state, err := r.pods.await(ctx, r.container, atMost, func(s State) bool { return !s.Ended.IsZero() })
		if err == nil && !state.Ended.IsZero() && state.Restarts == r.end.State.Restarts {
			r.end.State = state
		}
		return
	}
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
