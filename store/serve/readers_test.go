package serve

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTurns: nobody takes all of what may be read at once, and what was given back can be
// taken.
func TestTurns(t *testing.T) {
	t.Parallel()
	turns := turns{most: 8}
	var got []bool
	for _, user := range []string{"a", "a", "a", "b", "b", "c", "c", "d", "d", "e"} {
		got = append(got, turns.take(user))
	}
	turns.give("b")
	got = append(got, turns.take("e"), turns.take("b"))
	want := []bool{true, true, false, true, true, true, true, true, true, false, true, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, user := range []string{"a", "a", "b", "c", "c", "d", "d", "e"} {
		turns.give(user)
	}
	if turns.all != 0 || len(turns.users) != 0 {
		t.Errorf("left: %d, %v", turns.all, turns.users)
	}
}

// stalled is a connection whose reader takes one chunk and no more.
type stalled struct {
	http.ResponseWriter

	deadlines int
	taken     bytes.Buffer
}

var errStalled = errors.New("i/o timeout")

func (s *stalled) SetWriteDeadline(at time.Time) error {
	s.deadlines++
	if at.IsZero() {
		return errors.New("no deadline")
	}
	return nil
}

func (s *stalled) Write(p []byte) (int, error) {
	if s.taken.Len() > 0 {
		return 0, errStalled
	}
	return s.taken.Write(p)
}

// TestSteady: each chunk has a time of its own, and the first that nobody takes ends it.
func TestSteady(t *testing.T) {
	t.Parallel()
	s := &stalled{}
	n, err := steady{s, http.NewResponseController(s)}.Write(make([]byte, 3*chunk))
	if n != chunk || !errors.Is(err, errStalled) || s.deadlines != 2 {
		t.Errorf("%d bytes, %d deadlines, %v", n, s.deadlines, err)
	}
}
