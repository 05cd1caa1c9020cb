package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// reading is one call of Pods.Read.
type reading struct {
	pods      *Pods
	container *Container
	options   Options
	each      func(*Line) error

	end    End
	number int64
	// clean says that the last stream that has given the log has ended by itself: so does
	// one whose container has ended, and seldom another.
	clean bool
	// fruitless is how often in a row the log was resumed in vain.
	fruitless int
	clock     clock
	window    *window
	// lastSum is of the last line.
	lastSum uint64
	// again knows lines that come once more, of a stream that is resumed.
	again *again
	line  Line
	// skip leaves out what comes of the line. Of one that a stream broke in the middle
	// of, passed is how much of it was passed on and open its sum.
	skip         bool
	passed, left int64
	open         uint64
	// rest is the end of a stream without a line's end, which may be a part of a line, and
	// inside says that more of its line came before.
	rest   []byte
	inside bool
	// awaited says that nothing was there yet when the log was opened, and so that its
	// beginning isn't missing.
	awaited bool
	// kept says that it isn't a node that gives the log, and that a line without a stamp
	// has a blank one.
	kept bool
	// bare says that the node gives lines without stamps.
	bare bool
}

// errEnough ends a reading whose last line was passed on.
var errEnough = errors.New("all that is wanted was read")

// refused is an error of the function that lines are passed to.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// silence is how long the first line of a log has to be awaited to be the first that was
// printed.
const silence = time.Second

// stream opens the log, where it broke off if it did, and reads it to its end.
func (r *reading) stream(ctx context.Context, follow bool) error {
	asked := &corev1.PodLogOptions{Container: r.container.Name, Timestamps: true, Follow: follow}
	rest, inside, again := r.rest, r.inside, r.again
	switch {
	case r.end.Lines > 0:
		asked.SinceTime = &metav1.Time{Time: r.window.from()}
		r.again = r.window.again()
	default:
		asked.TailLines = r.options.Tail
		if !r.options.Since.IsZero() {
			asked.SinceTime = &metav1.Time{Time: r.options.Since}
		}
	}
	stream, err := r.pods.Client.Pods(r.container.Namespace).GetLogs(r.container.Pod, asked).Stream(ctx)
	if err != nil {
		r.again, r.clean = again, r.clean && apierrors.IsNotFound(err)
		return fmt.Errorf("read the log of pod %s: %w", r.container.Pod, err)
	}
	defer stream.Close()
	err = r.drain(ctx, stream)
	if err == nil && r.clean && r.excused() {
		// What the node gave before counts, and with it the end of that: its container is
		// gone, as that of a pod that was evicted.
		r.rest, r.inside, r.again = rest, inside, again
		return nil
	}
	r.clean = err == nil && !r.excused()
	return err
}

// drain passes on what the stream has.
func (r *reading) drain(ctx context.Context, stream io.Reader) error {
	pieces, inside, opened := newPieces(stream, r.options.Whole), false, time.Now()
	r.rest = nil
	for {
		piece, err := pieces.next()
		if r.end.Lines == 0 && time.Since(opened) > silence {
			r.awaited = true
		}
		if err != nil {
			r.rest, r.inside = bytes.Clone(piece.text), inside
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("read the log of pod %s: %w", r.container.Pod, err)
			}
			return nil
		}
		r.line.Idle = pieces.idle()
		if err := r.take(piece, inside); err != nil {
			return err
		}
		inside = piece.more
	}
}

// take passes a piece on, if it is wanted.
func (r *reading) take(piece piece, inside bool) error {
	if r.line.Rest = inside; inside {
		if r.skip {
			return nil
		}
		r.line.Time, r.line.Stamp, r.line.Text = time.Time{}, nil, piece.text
		return r.pass(piece)
	}
	sum := r.window.sum(piece.text)
	at, stamp, text := r.clock.cut(piece.text)
	if r.kept && stamp == nil {
		text = bytes.TrimPrefix(text, []byte(" "))
	}
	r.bare = r.bare || stamp == nil
	r.left, r.skip = 0, false
	if r.again != nil && r.again.was(sum, at) {
		if r.passed == 0 || sum != r.open {
			r.skip = true
			return nil
		}
		// It goes on where it was broken off.
		r.left, r.line.Rest = r.passed, true
		at, stamp = time.Time{}, nil
	} else {
		if r.skip = !at.IsZero() && at.Before(r.options.Since); r.skip {
			return nil
		}
		r.count(at, sum)
	}
	r.line.Time, r.line.Stamp, r.line.Text, r.line.Number = at, stamp, text, r.number
	r.passed, r.open = 0, sum
	if r.skip = r.number < r.options.From; r.skip {
		return nil
	}
	return r.pass(piece)
}

// count notes a line that hasn't come before. The last one that has would come again,
// if the node still had it.
func (r *reading) count(at time.Time, sum uint64) {
	if r.again != nil && !r.again.met && at.After(r.window.last) {
		r.again.met = true
		r.miss("what it printed between %s and %s is lost: the node rotated it away before it could be read", ClockTime(r.window.last), ClockTime(at))
	}
	r.number++
	r.end.Lines++
	r.lastSum = sum
	r.window.add(sum, at)
	if !at.IsZero() {
		if r.end.First.IsZero() {
			r.end.First = at
		}
		r.end.Last = at
	}
}

// pass passes a piece of a line on.
func (r *reading) pass(piece piece) error {
	line := &r.line
	line.More, line.Cut = piece.more, piece.cut
	r.end.Bytes += int64(len(line.Text)) + piece.cut
	if !piece.more {
		r.end.Bytes++
	}
	if n := min(r.left, int64(len(line.Text))); n > 0 {
		line.Text, r.left = line.Text[n:], r.left-n
		r.end.Bytes, r.passed = r.end.Bytes-n, r.passed+n
	}
	if !r.options.Whole && len(line.Text) > MaxLine {
		line.Cut += int64(len(line.Text) - MaxLine)
		line.Text = line.Text[:MaxLine]
	}
	r.passed += int64(len(line.Text))
	if !piece.more {
		r.passed = 0
	}
	if err := r.each(line); err != nil {
		return refused{err}
	}
	if !piece.more && r.options.To > 0 && r.number >= r.options.To {
		return errEnough
	}
	return nil
}

// excused reports whether a stream ended in what is no line of the container.
func (r *reading) excused() bool {
	return !r.inside && !r.kept && !r.bare && excuse(r.rest)
}

func (r *reading) miss(format string, args ...any) {
	r.end.Missing = append(r.end.Missing, fmt.Sprintf(format, args...))
}

// last reports whether the last line that the node has is the last that was read.
func (r *reading) last(ctx context.Context) (bool, error) {
	stream, err := r.pods.Client.Pods(r.container.Namespace).GetLogs(r.container.Pod, &corev1.PodLogOptions{
		Container: r.container.Name, Timestamps: true, TailLines: ptr.To[int64](1),
	}).Stream(ctx)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	piece, err := newPieces(stream, false).next()
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if len(piece.text) == 0 {
		return r.end.Lines == 0, nil
	}
	return r.window.sum(piece.text) == r.lastSum, nil
}

// final reports whether it is no use to try again.
func final(err error) bool {
	var sink refused
	return errors.As(err, &sink) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
}

// ClockTime is how a time is told in what is said of logs.
func ClockTime(at time.Time) string { return at.UTC().Format("15:04:05 UTC") }
