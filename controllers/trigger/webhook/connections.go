package webhook

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConnections are open at a time. One costs some 20 KiB before it has sent
// anything, and more with its header.
const maxConnections = 2048

// connections bounds those of a listener. A new one is always taken: where there
// are too many, the one goes that has been without a whole request for longest,
// of the address that has most.
type connections struct {
	net.Listener
	most int

	mu   sync.Mutex
	open []*connection // the one that has waited longest first
}

// connection is one of them.
type connection struct {
	net.Conn
	all     *connections
	address string
	// busy: its request is whole, and is being handled. Under the lock of all.
	busy bool
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &connection{Conn: accepted, all: c, address: networkOf(accepted.RemoteAddr().String())}
	c.mu.Lock()
	c.open = append(c.open, one)
	victim := c.victim()
	c.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
	return one, nil
}

// victim is the connection to close, if there are too many.
func (c *connections) victim() *connection {
	if len(c.open) <= c.most {
		return nil
	}
	idle := map[string]int{}
	for _, one := range c.open {
		if !one.busy {
			idle[one.address]++
		}
	}
	var victim *connection
	for _, one := range c.open {
		if !one.busy && (victim == nil || idle[one.address] > idle[victim.address]) {
			victim = one
		}
	}
	return victim
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.mu.Lock()
	if i := slices.Index(c.all.open, c); i >= 0 {
		c.all.open = slices.Delete(c.all.open, i, i+1)
	}
	c.all.mu.Unlock()
	return c.Conn.Close()
}

type connectionKey struct{}

// know lets a request's handler find its connection.
func know(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// handling keeps the request's connection open until done is called. It waits
// from then on.
func handling(r *http.Request) (done func()) {
	conn, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok {
		return func() {}
	}
	conn.set(true)
	return func() { conn.set(false) }
}

func (c *connection) set(busy bool) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.busy = busy
	if i := slices.Index(c.all.open, c); i >= 0 && !busy {
		c.all.open = append(slices.Delete(c.all.open, i, i+1), c)
	}
}
