package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/kayci/kayci/store/bucket"
)

const (
	// partText is how many bytes of lines with stamps a part has at most, but for the
	// last of them, and partSize how many compressed.
	partText = 4 << 20
	partSize = 1 << 20
	// chunk is how many bytes are compressed at once: a stream between two lines holds
	// no more than that.
	chunk = 128 << 10
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
	packed bytes.Buffer
	text   int
	since  time.Time
}

func (p *part) empty() bool { return p.text == 0 }

func (p *part) full() bool { return p.text >= partText || p.packed.Len() >= partSize }

// add takes what is next of the log.
func (p *part) add(text []byte) error {
	p.raw = append(p.raw, text...)
	p.text += len(text)
	if len(p.raw) < chunk {
		return nil
	}
	return p.pack()
}

// mark takes one byte.
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

// bytes are the part as it is stored.
func (p *part) bytes() ([]byte, error) {
	if err := p.pack(); err != nil {
		return nil, err
	}
	meta, err := json.Marshal(p.meta)
	if err != nil {
		return nil, fmt.Errorf("write the header of a part: %w", err)
	}
	var all bytes.Buffer
	all.Grow(p.packed.Len() + 512)
	if err := p.packer.pack(&all, string(meta), nil); err != nil {
		return nil, err
	}
	all.Write(p.packed.Bytes())
	return all.Bytes(), nil
}

// reset makes the part the next one.
func (p *part) reset() {
	p.meta, p.text, p.raw, p.since = Meta{}, 0, p.raw[:0], time.Time{}
	p.packed.Reset()
	if p.packed.Cap() > partSize/4 {
		p.packed = bytes.Buffer{}
	}
}

// packer compresses. What it takes for that is large, and used for moments: it is shared
// by all logs. The zero value is ready.
type packer struct{ pool sync.Pool }

func (p *packer) pack(to *bytes.Buffer, comment string, data []byte) error {
	w, is := p.pool.Get().(*gzip.Writer)
	if is {
		w.Reset(to)
	} else {
		var err error
		if w, err = gzip.NewWriterLevel(to, gzip.BestSpeed); err != nil {
			return fmt.Errorf("compress a part: %w", err)
		}
	}
	defer p.pool.Put(w)
	w.Comment = comment
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("compress a part: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("compress a part: %w", err)
	}
	return nil
}

// stored is a part that was stored.
type stored struct {
	Meta

	// Reader reads its lines, with their stamps.
	io.Reader

	body io.Closer
}

func (s *stored) Close() error { return s.body.Close() }

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
