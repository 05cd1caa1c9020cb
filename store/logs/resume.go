package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"time"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
)

// knowledge is what is known of a line.
type knowledge int

const (
	// unknown lines are new.
	unknown knowledge = iota
	// kept lines were kept before.
	kept
	// begun is the line of which only the beginning was kept.
	begun
)

// known are the lines that were kept last: they come again where a log is read anew.
type known struct {
	seed maphash.Seed
	sums map[uint64]int
	// since is when the first of them was printed, and last when the latest was.
	since, last time.Time
	// met says that one of them has come again, and fresh that one has come that is new.
	met, fresh bool
	// begun is the sum of the last of them, if only its beginning was kept, and size how
	// many bytes of it that was.
	begun uint64
	size  int64
}

// told is how many bytes of a line tell it from others.
const told = 1 << 10

func (k *known) sum(stamp, text []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(k.seed)
	// They return no errors.
	_, _ = h.Write(stamp)
	_ = h.WriteByte(' ')
	_, _ = h.Write(text[:min(told, len(text))])
	return h.Sum64()
}

// look says what is known of a line. It is asked once for each.
func (k *known) look(line *runlogs.Line, text []byte) knowledge {
	if k == nil {
		return unknown
	}
	if !line.Time.IsZero() && line.Time.Before(k.since) {
		return kept
	}
	sum := k.sum(line.Stamp, text)
	if k.sums[sum] == 0 {
		return unknown
	}
	k.met = true
	if k.sums[sum]--; k.size > 0 && sum == k.begun && k.sums[sum] == 0 {
		return begun
	}
	return kept
}

// behind returns what of the line that has begun wasn't kept.
func (k *known) behind(text []byte) []byte {
	n := min(k.size, int64(len(text)))
	k.size -= n
	return text[n:]
}

// missed reports, of the first line that is new, whether lines before it are lost: the
// last that were kept would have come again.
func (k *known) missed(at time.Time) bool {
	if k == nil || k.fresh {
		return false
	}
	k.fresh = true
	return !k.met && at.After(k.last)
}

// remembered is how many lines are known again at least, if there are so many that come
// again: a node is asked for lines from a whole second on.
const remembered = 32 << 10

// asked is from when on a node is asked for what it has, if the latest line is of a time.
func asked(last time.Time) time.Time { return last.Truncate(time.Second).Add(-time.Second) }

// resume goes on behind the parts that were kept before.
func (w *writer) resume(ctx context.Context, options *runlogs.Options) error {
	parts, err := w.parts(ctx)
	if err != nil || len(parts) == 0 {
		return err
	}
	w.known = &known{seed: maphash.MakeSeed(), sums: map[uint64]int{}}
	lines := int64(0)
	for i := len(parts) - 1; i >= 0 && (lines < remembered || w.within && w.known.begun == 0); i-- {
		part, err := open(ctx, w.Bucket, parts[i])
		if err != nil {
			return err
		}
		if i == len(parts)-1 {
			w.goOn(parts[i], part)
		} else if w.old(part) {
			part.Close()
			break
		}
		err = w.known.recall(part, w.within)
		part.Close()
		if err != nil {
			return err
		}
		lines += part.Lines
	}
	first, err := open(ctx, w.Bucket, parts[0])
	if err != nil {
		return err
	}
	defer first.Close()
	w.first = first.First
	options.Since = asked(w.known.last)
	return nil
}

// old reports whether no line of the part comes again, nor the line in which the log ends.
func (w *writer) old(part *stored) bool {
	return !part.Last.IsZero() && part.Last.Before(asked(w.known.last)) && (!w.within || w.known.begun != 0)
}

// parts are the names of those of the log, in their order.
func (w *writer) parts(ctx context.Context) ([]string, error) { return partsOf(ctx, w.Bucket, w.log) }

func partsOf(ctx context.Context, from bucket.Bucket, log place.Log) ([]string, error) {
	objects, err := from.List(ctx, log.Folder(), "", 0)
	if err != nil {
		return nil, fmt.Errorf("list the parts of a log: %w", err)
	}
	var names []string
	for i := range objects {
		if _, _, is := place.ReadPart(objects[i].Name); is {
			names = append(names, objects[i].Name)
		}
	}
	return names, nil
}

// goOn begins behind the last part.
func (w *writer) goOn(name string, part *stored) {
	line, before, _ := place.ReadPart(name)
	w.line, w.before, w.within = part.next(line), before+part.Bytes, part.Open
	w.last, w.known.last = part.Last, part.Last
}

// recall takes in the lines of a part. The last part comes first; within says that it
// ends in the middle of a line.
func (k *known) recall(part *stored, within bool) error {
	if !part.First.IsZero() {
		k.since = part.First
	}
	last, size, err := k.lines(part)
	if err == nil && within && k.begun == 0 {
		k.begun, k.size = last, k.size+size
	}
	return err
}

// lines takes in lines. It returns the sum of the last that begins among them, 0 if none
// does, and how much there is of it.
func (k *known) lines(part *stored) (last uint64, size int64, err error) {
	r := bufio.NewReaderSize(part, 64<<10)
	rest := part.Rest
	for {
		text, err := r.ReadSlice('\n')
		more := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !more && !errors.Is(err, io.EOF) {
			return 0, 0, fmt.Errorf("read a part of a log: %w", err)
		}
		text = bytes.TrimSuffix(text, []byte("\n"))
		if !rest && len(text) > 0 {
			var stamp []byte
			stamp, text, _ = bytes.Cut(text, []byte(" "))
			last, size = k.sum(stamp, text), 0
			k.sums[last]++
		}
		size += int64(len(text))
		if rest = more; err != nil && !more {
			return last, size, nil
		}
	}
}
