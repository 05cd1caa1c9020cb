package limits_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/web/limits"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	var streams limits.Streams
	var closes []func()
	for range limits.PerViewer {
		closed, err := streams.Open("anna")
		if err != nil {
			t.Fatal(err)
		}
		closes = append(closes, closed)
	}
	if _, err := streams.Open("anna"); !errors.Is(err, limits.ErrViewer) {
		t.Errorf("one more of the viewer's: %v", err)
	}
	// Closing twice counts once.
	closes[0]()
	closes[0]()
	if _, err := streams.Open("anna"); err != nil {
		t.Errorf("after one was closed: %v", err)
	}
	if _, err := streams.Open("anna"); !errors.Is(err, limits.ErrViewer) {
		t.Errorf("after one was closed twice, two more: %v", err)
	}
	for range limits.PerViewer {
		if _, err := streams.Open(""); err != nil {
			t.Fatalf("one of those that nobody tells apart: %v", err)
		}
	}
	if _, err := streams.Open(""); err != nil {
		t.Errorf("one more of those that nobody tells apart: %v", err)
	}
	for n := range limits.PerProcess - 2*limits.PerViewer - 1 {
		if _, err := streams.Open(fmt.Sprint("user-", n/limits.PerViewer)); err != nil {
			t.Fatalf("another viewer's, number %d: %v", n, err)
		}
	}
	if _, err := streams.Open("zoe"); !errors.Is(err, limits.ErrProcess) {
		t.Errorf("one more of all: %v", err)
	}
}

// TestWritesReachTheReader: what is written goes through, at once when flushed.
func TestWritesReachTheReader(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	server := httptest.NewServer(limits.Writes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "one ")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("flush: %v", err)
		}
		<-first
		fmt.Fprint(w, "two")
	})))
	defer server.Close()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if got := readUntil(t, connection, "one "); got == "" {
		t.Error("nothing is read before the answer is whole")
	}
	close(first)
	if got := readUntil(t, connection, "two"); got == "" {
		t.Error("the rest is not read")
	}
}

// readUntil reads until the text has come, and returns what was read.
func readUntil(t *testing.T, connection net.Conn, text string) string {
	t.Helper()
	var read strings.Builder
	buffer := make([]byte, 512)
	for !strings.Contains(read.String(), text) {
		n, err := connection.Read(buffer)
		read.Write(buffer[:n])
		if err != nil && !strings.Contains(read.String(), text) {
			t.Fatalf("read %q, then %v", read.String(), err)
		}
	}
	return read.String()
}

// deadlines notes what a connection is told.
type deadlines struct {
	*httptest.ResponseRecorder

	set []string
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	if at.IsZero() {
		d.set = append(d.set, "none")
	} else {
		d.set = append(d.set, at.Sub(time.Now().Add(limits.PerWrite)).Round(time.Minute).String())
	}
	return nil
}

// TestDeadlines: each write has one, the last of an answer, too, and silence has none.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    []string
	}{
		"no body": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSeeOther) }, []string{"0s"}},
		"a write": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }, []string{"0s", "none", "0s"}},
		"a flush": {func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() }, []string{"0s", "none", "0s"}},
	} {
		d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		limits.Writes(tt.handler).ServeHTTP(d, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if diff := cmp.Diff(tt.want, d.set); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
