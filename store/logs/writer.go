package logs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// writer keeps one log. Its mutex guards what is not yet stored.
type writer struct {
	*Keeper

	log    place.Log
	masker *mask.Masker
	late   time.Duration

	mu sync.Mutex
	// line is the number of the next line, and before is how many bytes of text come
	// before what is next.
	line, before int64
	first, last  time.Time
	missing      []string
	part         part
	// partLine and partBefore are line and before where the part begins.
	partLine, partBefore int64
	// carry is the end of a piece, as it is: a value that is to be masked may begin there.
	carry []byte
	known *known
	// is tells how the line is known that is being read, and within that something of it
	// was kept that isn't its end.
	is     knowledge
	within bool
}

// take keeps a line, or what is next of it.
func (w *writer) take(ctx context.Context, line *runlogs.Line) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.mask(line)
	if !line.Rest {
		w.is = w.known.look(line, text)
		if w.is == unknown {
			err := w.gap(line)
			if err != nil {
				return err
			}
		}
	}
	if w.is == kept {
		return nil
	}
	if w.is == begun {
		text = w.known.behind(text)
	}
	if err := w.add(line, text); err != nil {
		return err
	}
	if w.MaxBytes > 0 && w.before >= w.MaxBytes {
		w.miss("only its first %s are kept (--max-log)", resource.NewQuantity(w.MaxBytes, resource.BinarySI))
		return errLimit
	}
	if w.part.full() {
		return w.flush(ctx)
	}
	return nil
}

// mask returns what can be kept of a piece and what was held back of the one before it,
// without the values of Secrets.
func (w *writer) mask(line *runlogs.Line) []byte {
	text := line.Text
	if line.Rest && len(w.carry) > 0 {
		text = append(w.carry, text...)
	}
	now := len(text)
	if line.More {
		now = w.masker.Split(text)
	}
	w.carry = bytes.Clone(text[now:])
	return w.masker.Raw(text[:now])
}

// add puts text into the part that is being filled.
func (w *writer) add(line *runlogs.Line, text []byte) error {
	p := &w.part
	if p.empty() {
		p.since, w.partLine, w.partBefore = w.Clock.Now(), w.line, w.before
		if p.meta.Rest = w.within; w.within {
			w.partLine--
		}
	}
	var err error
	if !line.Rest && w.is == unknown {
		p.meta.Lines++
		w.line++
		w.note(line.Time)
		err = p.add(line.Stamp)
		p.mark(' ')
	}
	size := int64(len(text))
	p.meta.Open, w.within = line.More, line.More
	if err == nil {
		err = p.add(text)
	}
	if err == nil && !line.More {
		size++
		p.mark('\n')
	}
	p.meta.Bytes += size
	w.before += size
	return err
}

// note takes in when a line was printed.
func (w *writer) note(at time.Time) {
	if at.IsZero() {
		return
	}
	meta := &w.part.meta
	if meta.First.IsZero() || at.Before(meta.First) {
		meta.First = at
	}
	if at.After(meta.Last) {
		meta.Last = at
	}
	if w.first.IsZero() {
		w.first = at
	}
	if at.After(w.last) {
		w.last = at
	}
}

// gap notes that lines were lost between what was kept before and what is there now, and
// ends the line that won't go on.
func (w *writer) gap(line *runlogs.Line) error {
	if w.known.missed(line.Time) {
		w.miss("what it printed between %s and %s is lost: the node rotated it away before it could be kept", runlogs.ClockTime(w.last), runlogs.ClockTime(line.Time))
	}
	if !w.within {
		return nil
	}
	w.miss("the rest of line %d is lost: keeping it was broken off, and the node didn't have it any more", w.line-1)
	return w.add(&runlogs.Line{Rest: true}, nil)
}

func (w *writer) miss(format string, args ...any) {
	w.missing = append(w.missing, fmt.Sprintf(format, args...))
}

// flush stores the part, and begins the next one.
func (w *writer) flush(ctx context.Context) error {
	if w.part.empty() {
		return nil
	}
	// Whole parts are large: only some are in memory at a time.
	var memory []byte
	select {
	case <-ctx.Done():
		return ctx.Err()
	case memory = <-w.putting():
	}
	data, err := w.part.bytes(memory)
	if err == nil {
		err = w.put(ctx, w.log.Part(w.partLine, w.partBefore), data)
	}
	if memory = data[:0]; err != nil {
		// A request that has failed may still be reading it.
		memory = nil
	}
	w.putting() <- memory
	if errors.Is(err, bucket.ErrExists) {
		return errTaken
	}
	if err == nil {
		w.part.reset()
	}
	return err
}

// put stores an object. While the bucket takes none, nothing more is read.
func (w *writer) put(ctx context.Context, name string, data []byte) error {
	began := w.Clock.Now()
	for {
		err := w.Bucket.Put(ctx, name, data)
		if err == nil || errors.Is(err, bucket.ErrExists) || ctx.Err() != nil || w.Clock.Since(began) > cmp.Or(w.Patience, defaultPatience) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-w.Clock.After(again):
		}
	}
}

// age stores what is old while nothing more is printed, until the context is done.
func (w *writer) age(ctx context.Context, fail context.CancelCauseFunc) {
	most := cmp.Or(w.MaxAge, defaultMaxAge)
	ticker := w.Clock.NewTicker(most / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		if err := w.flushOlder(ctx, most); err != nil {
			fail(err)
			return
		}
	}
}

func (w *writer) flushOlder(ctx context.Context, than time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.part.empty() || w.Clock.Since(w.part.since) < than {
		return nil
	}
	return w.flush(ctx)
}

// finish stores what is left, and says how the log has ended if it has.
func (w *writer) finish(ctx context.Context, read runlogs.End, err error) (End, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && !errors.Is(err, errLimit) {
		return End{}, err
	}
	if err := w.flush(ctx); err != nil {
		return End{}, err
	}
	return w.end(ctx, read)
}
