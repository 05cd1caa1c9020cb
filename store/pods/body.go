package pods

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/kayci/kayci/store/bucket"
)

const (
	// minRate is what a pod has to send or take at least, in bytes a second, once patience
	// is over.
	minRate  = 128 << 10
	patience = 30 * time.Second
	// turn is how long a request waits for its turn.
	turn = 10 * time.Second
)

// places bound what is done at once.
type places chan struct{}

// take waits for a place.
func (p places) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	select {
	case p <- struct{}{}:
		return nil
	case <-ctx.Done():
		return refuse(http.StatusTooManyRequests, "the store has as much to do as it may at once: try again").soon(again)
	}
}

func (p places) release() { <-p }

// receive reads a body, and has the caller keep it while it is in memory, as one of those
// that may be.
func receive(w http.ResponseWriter, r *http.Request, in places, keep func(ctx context.Context, data []byte) error) error {
	switch {
	case r.ContentLength < 0:
		return refuse(http.StatusBadRequest, "the request has to say how long its body is")
	case r.ContentLength > bucket.MaxSize:
		return refuse(http.StatusRequestEntityTooLarge, "%d bytes are more than the %d that may be sent at once", r.ContentLength, bucket.MaxSize)
	}
	if err := in.take(r.Context()); err != nil {
		return err
	}
	defer in.release()
	data, err := read(w, r)
	if err != nil {
		return err
	}
	return keep(r.Context(), data)
}

// read reads a body whose length is known, as long as the sender may take for it.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	connection := http.NewResponseController(w)
	deadline := time.Now().Add(patience + time.Duration(r.ContentLength/minRate)*time.Second)
	if err := connection.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("bound the time of a request: %w", err)
	}
	data := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, data); err != nil {
		return nil, refuse(http.StatusBadRequest, "the body ended early, or came too slowly").soon(again)
	}
	// What comes next on the connection has its own time.
	if err := connection.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("bound the time of a request: %w", err)
	}
	sum := sha256.Sum256(data)
	if said := r.Header.Get(DigestHeader); said != hex.EncodeToString(sum[:]) {
		return nil, refuse(http.StatusBadRequest, "the body isn't what was sent: its SHA-256 is another than %s says", DigestHeader).soon(again)
	}
	return data, nil
}

// unpack returns what was packed, of at most so many bytes.
func unpack(data []byte, most int64) ([]byte, error) {
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body isn't gzip: %v", err)
	}
	raw, err := io.ReadAll(io.LimitReader(packed, most+1))
	switch {
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body isn't gzip: %v", err)
	case int64(len(raw)) > most:
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes, unpacked", most)
	}
	return raw, nil
}

// send answers with an object.
func (s *server) send(w http.ResponseWriter, r *http.Request, name string) error {
	if err := s.reads.take(r.Context()); err != nil {
		return err
	}
	defer s.reads.release()
	body, err := s.Bucket.Get(r.Context(), name, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	connection := http.NewResponseController(w)
	deadline := time.Now().Add(patience + bucket.MaxSize/minRate*time.Second)
	if err := connection.SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("bound the time of an answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := io.Copy(w, body); err != nil {
		// The answer has begun: that it breaks off is all that can be said.
		if r.Context().Err() == nil {
			s.Log.Error(err, "An object can't be sent whole", "path", r.URL.Path)
		}
		panic(http.ErrAbortHandler)
	}
	// What comes next on the connection has its own time.
	_ = connection.SetWriteDeadline(time.Time{})
	return nil
}
