package logs

import (
	"hash/maphash"
	"time"
)

// half is how many lines a half of a window remembers. A node is asked for lines from a
// whole second on, and each line takes 8 bytes here.
const half = 8 << 10

// window remembers the lines that were passed on last, to know them again when a stream
// that broke is resumed.
type window struct {
	seed maphash.Seed
	// The older and the newer half, and the times of their first lines.
	older, newer           []uint64
	olderFirst, newerFirst time.Time
	// last is the latest time of all.
	last time.Time
}

func newWindow() *window { return &window{seed: maphash.MakeSeed()} }

// sum of a line, with its stamp.
func (w *window) sum(line []byte) uint64 { return maphash.Bytes(w.seed, line) }

func (w *window) add(sum uint64, at time.Time) {
	if len(w.newer) == half {
		w.older, w.newer = w.newer, w.older[:0]
		w.olderFirst = w.newerFirst
	}
	if len(w.newer) == 0 {
		w.newerFirst = at
	}
	w.newer = append(w.newer, sum)
	if at.After(w.last) {
		w.last = at
	}
}

// from is when lines are asked for anew: nodes know seconds, and the two streams of a
// program may be written a little out of order.
func (w *window) from() time.Time { return w.last.Truncate(time.Second).Add(-time.Second) }

// again knows the lines that may come once more.
type again struct {
	sums map[uint64]int
	// before is when all lines were passed on that were printed before.
	before time.Time
	// met says that a line has come again.
	met bool
}

func (w *window) again() *again {
	a := &again{sums: make(map[uint64]int, len(w.older)+len(w.newer)), before: w.olderFirst}
	for _, sums := range [][]uint64{w.older, w.newer} {
		for _, sum := range sums {
			a.sums[sum]++
		}
	}
	return a
}

// was reports whether the line was passed on before. It is asked once for each.
func (a *again) was(sum uint64, at time.Time) bool {
	if !at.IsZero() && at.Before(a.before) {
		return true
	}
	if a.sums[sum] == 0 {
		return false
	}
	a.met = true
	a.sums[sum]--
	return true
}
