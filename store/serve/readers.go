package serve

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// errBusy says that too much is read just now.
var errBusy = errors.New("as much is being read as may be at once: try again")

// share of what is read at once is one viewer's at most.
const share = 4

// turns are what is being read, logs for one, by who reads it.
type turns struct {
	most int

	mu    sync.Mutex
	all   int
	users map[string]int
}

// take reports whether the user may read one more.
func (t *turns) take(user string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= t.most || t.users[user] >= max(1, t.most/share) {
		return false
	}
	if t.users == nil {
		t.users = map[string]int{}
	}
	t.all++
	t.users[user]++
	return true
}

func (t *turns) give(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.users[user]--; t.users[user] == 0 {
		delete(t.users, user)
	}
}

// bound answers if the user may read one more.
func (t *turns) bound(answer func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request, string) error {
	return func(w http.ResponseWriter, r *http.Request, user string) error {
		if !t.take(user) {
			return errBusy
		}
		defer t.give(user)
		return answer(w, r)
	}
}

const (
	// stall is how long a reader may take for a chunk.
	stall = time.Minute
	// chunk is how much is sent at once, in bytes.
	chunk = 64 << 10
)

// steady sends as long as somebody reads: who takes nothing for a while is hung up on.
type steady struct {
	http.ResponseWriter

	control *http.ResponseController
}

func (s steady) Write(p []byte) (written int, err error) {
	for {
		// One that can't be set is of a test's recorder.
		if err := s.control.SetWriteDeadline(time.Now().Add(stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return written, fmt.Errorf("answer: %w", err)
		}
		n, err := s.ResponseWriter.Write(p[:min(chunk, len(p))])
		written += n
		if p = p[n:]; err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// Unwrap leads to the connection.
func (s steady) Unwrap() http.ResponseWriter { return s.ResponseWriter }
