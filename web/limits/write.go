package limits

import (
	"net/http"
	"time"
)

// PerWrite is how long a reader may take for each piece of an answer. There is no
// bound for a whole answer: a stream lasts as long as the Run.
const PerWrite = 30 * time.Second

// Writes gives each write of an answer PerWrite, so that a reader who reads no more
// holds on to nothing for longer.
func Writes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &writer{ResponseWriter: w, control: http.NewResponseController(w)}
		next.ServeHTTP(out, r)
		// What is left is sent now, the header of an answer without a body for one.
		out.begin()
	})
}

type writer struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Unwrap lets a ResponseController find what is below.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) Write(p []byte) (int, error) {
	w.begin()
	defer w.end()
	return w.ResponseWriter.Write(p)
}

// FlushError sends what was written. It may be a write of its own.
func (w *writer) FlushError() error {
	w.begin()
	defer w.end()
	return w.control.Flush()
}

// begin sets the deadline. A connection that knows none, a test's, is written to
// without.
func (w *writer) begin() { _ = w.control.SetWriteDeadline(time.Now().Add(PerWrite)) }

// end takes the deadline away: HTTP/2 would end a stream at it that is merely silent.
func (w *writer) end() { _ = w.control.SetWriteDeadline(time.Time{}) }
