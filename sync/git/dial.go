package git

import (
	"context"
	"net"
	"time"
)

// Dial connects to host:port.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// boundConn is closed when a context ends, which ends every read and write that
// is under way, whatever the server does or leaves undone. A deadline of the
// connection would not do: who holds a lock, or waits for room in a window, isn't
// in a read or write of the connection.
type boundConn struct {
	net.Conn
	stop func() bool
}

// Close ends the watch over the context as the very last thing.
func (c boundConn) Close() error {
	err := c.Conn.Close()
	c.stop()
	return err
}

// bound returns a way to connect whose connections end with the context.
func bound(ctx context.Context, dial Dial) Dial {
	if dial == nil {
		dial = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(dialing, network, address)
		if err != nil {
			return nil, err
		}
		return boundConn{conn, context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
	}
}
