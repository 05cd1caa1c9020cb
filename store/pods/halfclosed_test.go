package pods_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

// TestHalfClosed: who stops sending while the store is busy, and still listens, isn't told
// that all is well.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil), "build", "build-x")
	cluster, err := jobpod.NewCluster(p)
	if err != nil {
		t.Fatal(err)
	}
	requests := make(chan context.Context, 1)
	m := &bucket.Memory{Before: func(string) error {
		ctx := <-requests
		<-ctx.Done()
		return ctx.Err()
	}}
	h := cluster.Handler(m, testclock.NewFakePassiveClock(jobpod.Began()))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Context()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/pod/caches?key=k HTTP/1.1\r\nHost: store\r\nAuthorization: Bearer %s\r\n\r\n", p.Token)
	if half, is := conn.(*net.TCPConn); !is || half.CloseWrite() != nil {
		t.Fatal("the connection can't be closed by half")
	}
	if said, err := io.ReadAll(conn); err != nil || len(said) > 0 {
		t.Errorf("it is told %q, %v", said, err)
	}
}
