package limits_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
	for n := range limits.PerProcess - limits.PerViewer {
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
