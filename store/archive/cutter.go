package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

const (
	// How many parts are put at once.
	maxPuts = 2
	// What the encoder may still hold of a part when it is cut: a block, and the frame's
	// end.
	reserve = 256 << 10
	// How far back the encoder looks, and so the memory that a decoder needs.
	window = 4 << 20
)

// cutter cuts what is written to it in parts, compresses and puts them.
type cutter struct {
	put     Put
	group   *errgroup.Group
	ctx     context.Context //nolint:containedctx // It is the group's, for an io.Writer.
	cancel  context.CancelCauseFunc
	encoder *zstd.Encoder
	// free are the buffers that nobody uses: one more than parts are put at once.
	free chan *buffer
	// The part that is written, if any, and its raw bytes.
	current *buffer
	raw     int64
	parts   []Part
}

type buffer []byte

// Write adds bytes. A buffer of some size will soon be one of a whole part.
func (b *buffer) Write(p []byte) (int, error) {
	if cap(*b) > 1<<20 && cap(*b)-len(*b) < len(p) {
		*b = slices.Grow(*b, max(PartSize-len(*b), len(p)))
	}
	*b = append(*b, p...)
	return len(p), nil
}

func newCutter(ctx context.Context, put Put) (*cutter, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(window))
	if err != nil {
		return nil, err
	}
	c := &cutter{put: put, encoder: encoder, free: make(chan *buffer, maxPuts+1)}
	for range maxPuts + 1 {
		c.free <- &buffer{}
	}
	ctx, c.cancel = context.WithCancelCause(ctx)
	c.group, c.ctx = errgroup.WithContext(ctx)
	c.group.SetLimit(maxPuts)
	return c, nil
}

// place is where the next byte will be.
func (c *cutter) place() (part int, offset int64) { return len(c.parts), c.raw }

// Write compresses bytes, and cuts before a part is too large.
func (c *cutter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		if err := c.begin(); err != nil {
			return done, err
		}
		piece := p[done:min(len(p), done+chunk, done+int(PartRaw-c.raw))]
		if _, err := c.encoder.Write(piece); err != nil {
			return done, err
		}
		done += len(piece)
		c.raw += int64(len(piece))
		if c.raw == PartRaw || len(*c.current) > PartSize-reserve {
			if err := c.cut(); err != nil {
				return done, err
			}
		}
	}
	return len(p), nil
}

// begin starts a part if none is. It waits while all buffers are in use.
func (c *cutter) begin() error {
	if err := context.Cause(c.ctx); err != nil {
		return err
	}
	if c.current != nil {
		return nil
	}
	select {
	case c.current = <-c.free:
		*c.current = (*c.current)[:0]
		c.encoder.Reset(c.current)
		return nil
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// cut ends a part and puts it.
func (c *cutter) cut() error {
	if err := c.encoder.Close(); err != nil {
		return err
	}
	n, data := len(c.parts), c.current
	if len(*data) > PartSize {
		return fmt.Errorf("part %d has %d bytes, more than %d", n, len(*data), PartSize)
	}
	sum := sha256.Sum256(*data)
	c.parts = append(c.parts, Part{Size: int64(len(*data)), Raw: c.raw, SHA256: hex.EncodeToString(sum[:])})
	c.current, c.raw = nil, 0
	c.group.Go(func() error {
		if err := c.put(c.ctx, n, *data); err != nil {
			return fmt.Errorf("store part %d: %w", n, err)
		}
		c.free <- data
		return nil
	})
	return nil
}

// end puts what is left, unless there was an error, and waits for all parts.
func (c *cutter) end(err error) error {
	if err == nil && c.current != nil {
		err = c.cut()
	}
	if err != nil {
		// Parts that are on their way are of no use. Perhaps it was a part's error.
		c.cancel(err)
		err = context.Cause(c.ctx)
	}
	put := c.group.Wait()
	c.cancel(nil)
	if err != nil {
		return err
	}
	return put
}

var _ io.Writer = (*cutter)(nil)
