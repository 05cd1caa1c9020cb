package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestHalfClosed: who stops sending while the store is busy, and still listens, isn't told
// that all is well.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	requests := make(chan context.Context, 1)
	w.bucket.Before = func(string) error {
		ctx := <-requests
		<-ctx.Done()
		return ctx.Err()
	}
	server := httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		requests <- r.Context()
		w.Config.Handler.ServeHTTP(to, r)
	}))
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: store\r\nAuthorization: Bearer token-of-runs\r\n\r\n", ofRun)
	if half, is := conn.(*net.TCPConn); !is || half.CloseWrite() != nil {
		t.Fatal("the connection can't be closed by half")
	}
	if said, err := io.ReadAll(conn); err != nil || len(said) > 0 {
		t.Errorf("it is told %q, %v", said, err)
	}
}
