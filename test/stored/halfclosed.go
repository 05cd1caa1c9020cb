package stored

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kayci/kayci/test/bucket"
)

// HalfClosed asks for a path, stops sending while the bucket is busy, and still listens. It
// returns what is answered.
func HalfClosed(t testing.TB, in *bucket.Memory, handler http.Handler, path, token string) string {
	t.Helper()
	requests := make(chan context.Context, 1)
	in.Before = func(string) error {
		ctx := <-requests
		<-ctx.Done()
		return ctx.Err()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Context()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: store\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
	if half, is := conn.(*net.TCPConn); !is || half.CloseWrite() != nil {
		t.Fatal("the connection can't be closed by half")
	}
	said, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}
