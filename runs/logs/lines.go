package logs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"
)

// buffer is how much of a log is read at once, in bytes. A line that is wanted is never
// longer.
const buffer = 64 << 10

// pieces reads a log in lines, and long lines in pieces.
type pieces struct {
	r *bufio.Reader
	// whole passes on long lines to their end.
	whole bool
	long  []byte
}

// piece is a line or what is next of it.
type piece struct {
	text []byte
	// cut is how many bytes are left out behind the text.
	cut int64
	// more says that the line goes on.
	more bool
}

// next returns the next piece. With an error it is what has come of a line before the
// stream ended; that isn't known to be its end.
func (p *pieces) next() (piece, error) {
	text, err := p.r.ReadSlice('\n')
	switch {
	case err == nil:
		return piece{text: text[:len(text)-1]}, nil
	case !errors.Is(err, bufio.ErrBufferFull):
		return piece{text: text}, err
	case p.whole:
		return piece{text: text, more: true}, nil
	default:
		return p.skip(text)
	}
}

// idle reports whether no whole line has arrived beyond what was read.
func (p *pieces) idle() bool {
	waiting, err := p.r.Peek(p.r.Buffered())
	return err != nil || bytes.IndexByte(waiting, '\n') < 0
}

// skip keeps the beginning of a line and reads on to its end.
func (p *pieces) skip(text []byte) (piece, error) {
	p.long = append(p.long[:0], text[:MaxLine+stampSize]...)
	cut := int64(len(text) - len(p.long))
	for {
		rest, err := p.r.ReadSlice('\n')
		cut += int64(len(bytes.TrimSuffix(rest, []byte("\n"))))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return piece{text: p.long, cut: cut}, err
		}
	}
}

// stampSize is how long a stamp may be, with the space behind it: one of nine digits
// behind the second's point, and with another zone than UTC.
const stampSize = len("2006-01-02T15:04:05.000000000+00:00 ")

// clock reads stamps. Most are of the second that the one before was of.
type clock struct {
	second [len("2006-01-02T15:04:05")]byte
	at     time.Time
}

// cut cuts a line at its stamp. It returns no time if there is none.
func (c *clock) cut(line []byte) (at time.Time, stamp, text []byte) {
	space := bytes.IndexByte(line[:min(len(line), stampSize)], ' ')
	if space <= len(c.second) {
		return time.Time{}, nil, line
	}
	stamp = line[:space]
	if !c.at.IsZero() && bytes.HasPrefix(stamp, c.second[:]) {
		if nanos, is := fraction(stamp[len(c.second):]); is {
			return c.at.Add(nanos), stamp, line[space+1:]
		}
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return time.Time{}, nil, line
	}
	if stamp[space-1] == 'Z' {
		c.at = at.Truncate(time.Second)
		copy(c.second[:], stamp)
	}
	return at, stamp, line[space+1:]
}

// fraction reads what is behind the second of a stamp of UTC.
func fraction(text []byte) (time.Duration, bool) {
	if text[len(text)-1] != 'Z' {
		return 0, false
	}
	text = text[:len(text)-1]
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != '.' || len(text) < 2 || len(text) > 10 {
		return 0, false
	}
	nanos, unit := time.Duration(0), 100*time.Millisecond
	for _, digit := range text[1:] {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		nanos += time.Duration(digit-'0') * unit
		unit /= 10
	}
	return nanos, true
}

func newPieces(stream io.Reader, whole bool) *pieces {
	return &pieces{r: bufio.NewReaderSize(stream, buffer), whole: whole}
}
