package limits_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kayci/kayci/web/limits"
)

// TestBodies: who begins a body and sends no more of it is not waited for.
func TestBodies(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	server := httptest.NewServer(limits.Bodies(10*time.Millisecond, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ended <- err
	})))
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// The connection is closed first: the server waits for those that are open.
	t.Cleanup(func() {
		_ = connection.Close()
		server.Close()
	})
	if _, err := io.WriteString(connection, "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\ntok"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the body counts as whole")
		}
	case <-time.After(30 * time.Second):
		t.Error("the body is waited for")
	}
}
