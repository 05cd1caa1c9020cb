package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kayci/kayci/web/viewer"
)

// pingEvery is how often a stream that has nothing to say shows that it is there, to
// proxies that end silent connections.
const pingEvery = 20 * time.Second

// stream answers a viewer for as long as the viewer likes, or as there is something to
// say. There are only so many of them.
func (s *server) stream(h handler) http.Handler {
	answer := s.viewed(func(w http.ResponseWriter, r *http.Request) error {
		v, ok := viewer.From(r.Context())
		if !ok {
			return viewer.ErrSignIn
		}
		key := v.Key()
		if v.Anonymous {
			key = ""
		}
		closed, err := s.streams.Open(key)
		if err != nil {
			return err
		}
		defer closed()
		ctx, cancel := s.untilOver(r.Context(), v.Ends(s.Clock.Now()))
		defer cancel()
		err = h(w, r.WithContext(ctx))
		if err != nil && expired(ctx) {
			return viewer.ErrExpired
		}
		return err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := answer(w, r); err != nil {
			s.failText(w, r, err)
		}
	})
}

// untilOver ends a stream with its viewer's session, and when the process is to end.
// The API server asks for a token when a watch or a log begins, and not again.
func (s *server) untilOver(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	var over <-chan time.Time
	stop := func() bool { return false }
	if !end.IsZero() {
		timer := s.Clock.NewTimer(end.Sub(s.Clock.Now()))
		over, stop = timer.C(), timer.Stop
	}
	go func() {
		defer stop()
		select {
		case <-over:
			cancel(viewer.ErrExpired)
		case <-s.Stopping:
			cancel(nil)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// expired reports whether the context has ended with its viewer's session.
func expired(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), viewer.ErrExpired)
}

// events writes server-sent events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newEvents(w http.ResponseWriter) *events {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	// nginx would hold events back until a buffer of its own is full.
	h.Set("X-Accel-Buffering", "no")
	return &events{w: w, control: http.NewResponseController(w)}
}

// send writes an event. Each line of the data is one of the event's: to a browser a
// carriage return ends a line as well, and what follows would be the server's own word.
func (e *events) send(event, id, data string) error {
	lineEnds := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	var text bytes.Buffer
	if id != "" {
		fmt.Fprintf(&text, "id: %s\n", id)
	}
	fmt.Fprintf(&text, "event: %s\n", event)
	for line := range strings.SplitSeq(lineEnds.Replace(data), "\n") {
		fmt.Fprintf(&text, "data: %s\n", line)
	}
	text.WriteByte('\n')
	return e.write(text.Bytes())
}

func (e *events) ping() error { return e.write([]byte(": still here\n\n")) }

func (e *events) write(text []byte) error {
	if _, err := e.w.Write(text); err != nil {
		return err
	}
	return e.control.Flush()
}

// soon bounds what a stream asks of the API server between two events.
func (s *server) soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.Patience)
}
