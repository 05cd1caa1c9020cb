package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/kayci/kayci/store/bucket"
)

const (
	// partText is how many bytes of lines with stamps a part has at most, but for the
	// last of them, and partSize how many compressed.
	partText = 4 << 20
	partSize = 256 << 10
	// chunk is how many bytes are compressed at once: a stream between two lines holds
	// no more than that.
	chunk = 64 << 10
)

// Meta is what a part says of itself in its header.
type Meta struct {
	// Lines that begin in the part.
	Lines int64 `json:"lines"`
	// Bytes of their text, with ends of lines and without stamps.
	Bytes int64 `json:"bytes"`
	// First and Last are the earliest and the latest stamp.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Rest says that the part begins within a line, and Open that it ends within one.
	Rest bool `json:"rest,omitempty"`
	Open bool `json:"open,omitempty"`
}

// part is one that is being filled. Compressed it is a gzip member for each chunk, with
// an empty one before them whose header is the Meta.
type part struct {
	packer *packer
	meta   Meta
	raw    []byte
	packed blocks
	text   int
	since  time.Time
}

func (p *part) empty() bool { return p.text == 0 }

func (p *part) full() bool { return p.text >= partText || p.packed.size >= partSize }

// add takes what is next of the log.
func (p *part) add(text []byte) error {
	p.text += len(text)
	for len(p.raw)+len(text) >= chunk {
		n := chunk - len(p.raw)
		p.raw, text = append(p.raw, text[:n]...), text[n:]
		if err := p.pack(); err != nil {
			return err
		}
	}
	if p.raw == nil {
		p.raw = make([]byte, 0, chunk)
	}
	p.raw = append(p.raw, text...)
	return nil
}

// mark takes one byte. There is room for it.
func (p *part) mark(b byte) {
	p.raw = append(p.raw, b)
	p.text++
}

func (p *part) pack() error {
	if len(p.raw) == 0 {
		return nil
	}
	err := p.packer.pack(&p.packed, "", p.raw)
	p.raw = p.raw[:0]
	return err
}

// bytes are the part as it is stored, in the memory if it is enough.
func (p *part) bytes(memory []byte) ([]byte, error) {
	if err := p.pack(); err != nil {
		return nil, err
	}
	meta, err := json.Marshal(p.meta)
	if err != nil {
		return nil, fmt.Errorf("write the header of a part: %w", err)
	}
	var header bytes.Buffer
	if err := p.packer.pack(&header, string(meta), nil); err != nil {
		return nil, err
	}
	all := slices.Grow(memory[:0], header.Len()+p.packed.size)
	return p.packed.appendTo(append(all, header.Bytes()...)), nil
}

// reset makes the part the next one.
func (p *part) reset() {
	p.meta, p.text, p.raw, p.since = Meta{}, 0, p.raw[:0], time.Time{}
	p.packed.reset()
}

// packer compresses. What it takes for that is large, and used for moments: it is shared
// by all logs, and so are blocks. The zero value is ready.
type packer struct {
	making  sync.Once
	writers chan *gzip.Writer
	blocks  sync.Pool
}

// packsAtOnce is how many chunks are compressed at the same time.
const packsAtOnce = 4

func (p *packer) part() part { return part{packer: p, packed: blocks{pool: &p.blocks}} }

// writer returns one that nobody else uses until it is given back, or nil where it is to
// be made.
func (p *packer) writer() *gzip.Writer {
	p.making.Do(func() {
		p.writers = make(chan *gzip.Writer, packsAtOnce)
		for range packsAtOnce {
			p.writers <- nil
		}
	})
	return <-p.writers
}

func (p *packer) pack(to io.Writer, comment string, data []byte) (err error) {
	w := p.writer()
	defer func() {
		if err != nil {
			err = fmt.Errorf("compress a part: %w", err)
		}
		p.writers <- w
	}()
	if w == nil {
		if w, err = gzip.NewWriterLevel(to, gzip.BestSpeed); err != nil {
			return err
		}
	}
	w.Reset(to)
	w.Comment = comment
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Close()
}

// stored is a part that was stored.
type stored struct {
	Meta

	// Reader reads its lines, with their stamps.
	io.Reader

	body io.Closer
}

func (s *stored) Close() error { return s.body.Close() }

// next is the number of the first line that begins behind the part, which the line of that
// number begins or, as its rest, goes on.
func (s *stored) next(first int64) int64 {
	if s.Rest {
		first++
	}
	return first + s.Lines
}

// open reads a part of a bucket.
func open(ctx context.Context, from bucket.Bucket, name string) (*stored, error) {
	body, err := from.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read a part of a log: %w", err)
	}
	var meta Meta
	r, err := gzip.NewReader(body)
	if err == nil {
		err = json.Unmarshal([]byte(r.Comment), &meta)
	}
	if err != nil {
		body.Close()
		return nil, fmt.Errorf("read the header of a part of a log: %w", err)
	}
	return &stored{Meta: meta, Reader: r, body: body}, nil
}
