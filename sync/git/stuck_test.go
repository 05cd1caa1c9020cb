package git_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kayci/kayci/sync/git"
)

// stuckConn is a connection to a server that stops to read or to write, and never
// hangs up: once a budget is used up, each call goes to a pipe whose other end
// nobody holds.
type stuckConn struct {
	net.Conn
	pipe net.Conn
	of   *stuck
	once *sync.Once
}

func (c stuckConn) Read(p []byte) (int, error) {
	if c.of.reads.Add(-1) < 0 {
		return c.pipe.Read(p)
	}
	return c.Conn.Read(p)
}

func (c stuckConn) Write(p []byte) (int, error) {
	if c.of.writes.Add(-1) < 0 {
		return c.pipe.Write(p)
	}
	return c.Conn.Write(p)
}

func (c stuckConn) SetDeadline(at time.Time) error {
	return errors.Join(c.Conn.SetDeadline(at), c.pipe.SetDeadline(at))
}

func (c stuckConn) Close() error {
	c.once.Do(func() {
		c.of.closed.Add(1)
		c.of.closing <- struct{}{}
	})
	return errors.Join(c.Conn.Close(), c.pipe.Close())
}

// stuck opens connections that have this many reads and writes, together.
type stuck struct {
	reads, writes, opened, closed atomic.Int64
	closing                       chan struct{}
}

const plenty = int64(1 << 40)

func newStuck(reads, writes int64) *stuck {
	s := &stuck{closing: make(chan struct{}, 100)}
	s.reads.Store(reads)
	s.writes.Store(writes)
	return s
}

func (s *stuck) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	pipe, _ := net.Pipe()
	s.opened.Add(1)
	return stuckConn{Conn: conn, pipe: pipe, of: s, once: &sync.Once{}}, nil
}

// TestEveryReadAndWriteEnds has a server of each transport get stuck at each of
// the reads and writes that a whole conversation takes.
func TestEveryReadAndWriteEnds(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	commit := r.commit("main", map[string]string{"a": noise(100 << 10)})
	keys := newSSHKeys(t)
	ssh := r.serveSSH(keys)
	secure := httptest.NewTLSServer(r.backend())
	t.Cleanup(secure.Close)
	servers := map[string]git.Request{
		"http":  {URL: r.serveHTTP(plain)},
		"https": {URL: secure.URL + "/acme/config.git", Auth: map[string][]byte{"ca.crt": certificate(secure)}},
		"git":   {URL: r.serveGit()},
		"ssh":   {URL: r.sshURL(ssh), Auth: keys.secret(ssh)},
	}
	operations := map[string]func(context.Context, git.Request) error{
		"head": func(ctx context.Context, req git.Request) error {
			_, err := git.Head(ctx, req)
			return err
		},
		"checkout": func(ctx context.Context, req git.Request) error {
			return fetchAndCheckout(ctx, req, git.Revision{Ref: "main", Commit: commit}, t.TempDir())
		},
	}
	for scheme, server := range servers {
		for doing, operation := range operations {
			t.Run(scheme+"/"+doing, func(t *testing.T) {
				t.Parallel()
				whole := newStuck(plenty, plenty)
				req := request(t, server.URL, server.Auth)
				req.Dial = whole.dial
				if err := operation(testContext(t), req); err != nil {
					t.Fatal(err)
				}
				var wait sync.WaitGroup
				for n := range plenty - whole.reads.Load() {
					wait.Go(func() { endsInTime(t, fmt.Sprintf("%d reads", n), newStuck(n, plenty), server, operation) })
				}
				for n := range plenty - whole.writes.Load() {
					wait.Go(func() { endsInTime(t, fmt.Sprintf("%d writes", n), newStuck(plenty, n), server, operation) })
				}
				wait.Wait()
			})
		}
	}
}

// endsInTime runs an operation with a deadline, which nothing that a server does
// or leaves undone may keep it from.
func endsInTime(t *testing.T, after string, conn *stuck, req git.Request, operation func(context.Context, git.Request) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	req.Dial, req.Store = conn.dial, filepath.Join(t.TempDir(), "store")
	ended := make(chan error, 1)
	go func() { ended <- operation(ctx, req) }()
	deadline := testContext(t)
	select {
	case err := <-ended:
		if err != nil && git.ReasonOf(err) != git.ReasonTimeout {
			t.Errorf("after %s: got %v", after, err)
		}
	case <-deadline.Done():
		t.Errorf("after %s: a server that is stuck keeps the caller", after)
		return
	}
	for conn.closed.Load() < conn.opened.Load() {
		select {
		case <-conn.closing:
		case <-deadline.Done():
			t.Errorf("after %s: a connection is left open", after)
			return
		}
	}
}
