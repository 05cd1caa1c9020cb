package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// stream reads the tar of some parts, one after the other. While a part is read the next
// one is fetched: two are in memory.
type stream struct {
	parts   []Part
	next    func() ([]byte, error)
	stop    context.CancelFunc
	decoder *zstd.Decoder
	// The part that is read, and how far. Before any has begun it is the one before the
	// first.
	part  int
	at    int64
	begun bool
}

// newStream reads from one part to another.
func newStream(ctx context.Context, parts []Part, first, last int, get Get) (*stream, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*window), zstd.WithDecoderMaxWindow(2*window))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	return &stream{parts: parts, next: ahead(ctx, parts, first, last, get), stop: stop, decoder: decoder, part: first - 1}, nil
}

// Close ends it.
func (s *stream) Close() error {
	s.stop()
	s.decoder.Close()
	return nil
}

// ahead fetches parts, each while the one before is used. A part may be used until the
// next is asked for.
func ahead(ctx context.Context, parts []Part, first, last int, get Get) func() ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	results := make(chan result)
	go func() {
		defer close(results)
		var buffers [2][]byte
		for n := first; n <= last; n++ {
			data, err := fetch(ctx, n, parts[n], get, buffers[n%2])
			buffers[n%2] = data
			select {
			case results <- result{data, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return func() ([]byte, error) {
		select {
		case got, more := <-results:
			if !more {
				return nil, io.ErrUnexpectedEOF
			}
			return got.data, got.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fetch reads a part and proves that it is the one that was put.
func fetch(ctx context.Context, n int, part Part, get Get, buffer []byte) ([]byte, error) {
	reader, err := get(ctx, n)
	if err != nil {
		return nil, fmt.Errorf("part %d: %w", n, err)
	}
	defer reader.Close()
	if int64(cap(buffer)) <= part.Size {
		buffer = make([]byte, part.Size+1)
	}
	// A byte more tells whether there are more.
	size, err := io.ReadFull(reader, buffer[:part.Size+1])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("part %d: %w", n, err)
	}
	if sum := sha256.Sum256(buffer[:size]); int64(size) != part.Size || hex.EncodeToString(sum[:]) != part.SHA256 {
		return nil, fmt.Errorf("part %d isn't what was stored: its size or SHA-256 is another", n)
	}
	return buffer[:size], nil
}

// seek goes on to a byte of a part, which isn't before the one that was read last. What
// is between is read, and so proved to be as long as it should.
func (s *stream) seek(part int, offset int64) error {
	for s.part < part {
		if err := s.advance(); err != nil {
			return err
		}
	}
	return s.skip(offset)
}

// skip reads up to a byte of the part.
func (s *stream) skip(to int64) error {
	_, err := io.CopyN(io.Discard, s, to-s.at)
	return err
}

// finish reads what is left of the part, and refuses one that has more bytes than it
// should.
func (s *stream) finish() error {
	if !s.begun {
		return nil
	}
	if err := s.skip(s.parts[s.part].Raw); err != nil {
		return err
	}
	var more [1]byte
	if n, err := io.ReadFull(s.decoder, more[:]); n > 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("part %d has more than the %d raw bytes that the manifest says, or no proper end", s.part, s.at)
	}
	return nil
}

// drain reads all that is left.
func (s *stream) drain() error {
	for s.part < len(s.parts)-1 {
		if err := s.advance(); err != nil {
			return err
		}
	}
	return s.finish()
}

// advance goes on to the next part.
func (s *stream) advance() error {
	if s.part+1 >= len(s.parts) {
		return io.ErrUnexpectedEOF
	}
	if err := s.finish(); err != nil {
		return err
	}
	data, err := s.next()
	if err != nil {
		return err
	}
	s.part, s.at, s.begun = s.part+1, 0, true
	return s.decoder.Reset(bytes.NewReader(data))
}

// Read reads the tar, after a first seek. It never has more bytes than the manifest says.
func (s *stream) Read(p []byte) (int, error) {
	if s.at == s.parts[s.part].Raw {
		if err := s.advance(); err != nil {
			return 0, err
		}
	}
	left := s.parts[s.part].Raw - s.at
	n, err := s.decoder.Read(p[:min(int64(len(p)), left)])
	s.at += int64(n)
	switch {
	case errors.Is(err, io.EOF) && s.at < s.parts[s.part].Raw:
		return n, fmt.Errorf("part %d has %d raw bytes, not %d as the manifest says", s.part, s.at, s.parts[s.part].Raw)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("part %d: %w", s.part, err)
	}
	return n, nil
}
