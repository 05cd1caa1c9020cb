package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
)

// chunk is how much of the room for bodies is taken at a time.
const chunk = 32 << 10

var errNoRoom = errors.New("the room for bodies is taken")

// read returns the request's body, which takes room until release is called. It
// takes no more than has arrived, and no place: clients that dawdle, a few of
// which anybody can be, are in nobody's way.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	taken := int64(0)
	release = func() { s.room.Release(taken) }
	limited := http.MaxBytesReader(w, r.Body, s.opts.MaxBytes)
	for {
		if err := s.take(r.Context()); err != nil {
			return nil, release, err
		}
		taken += chunk
		body, err = fill(slices.Grow(body, chunk), limited)
		if errors.Is(err, io.EOF) {
			return body, release, nil
		}
		if err != nil {
			return nil, release, err
		}
	}
}

// fill reads a chunk, or what there is up to an error. Unlike io.ReadFull it tells
// the end of a body from one that was cut off.
func fill(body []byte, from io.Reader) ([]byte, error) {
	for end := len(body) + chunk; len(body) < end; {
		n, err := from.Read(body[len(body):end])
		body = body[:len(body)+n]
		if err != nil {
			return body, err
		}
	}
	return body, nil
}

// take waits a little for room.
func (s *Server) take(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	if s.room.Acquire(waiting, chunk) != nil {
		return errNoRoom
	}
	return nil
}

// enter takes one of the places, or waits a little for one.
func (s *Server) enter(ctx context.Context) bool {
	waiting, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	select {
	case s.places <- struct{}{}:
		return true
	case <-waiting.Done():
		return false
	}
}

// unreadable is the answer to a request whose body could not be read.
func unreadable(err error) refusal {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return oversized(tooLarge.Limit)
	}
	if errors.Is(err, errNoRoom) {
		return busy()
	}
	return malformed(errors.New("the body could not be read to its end"))
}
