package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// Local is a page that a person serves to himself, on the loopback.
type Local struct {
	listener net.Listener
	handler  http.Handler
	gate     *secure.Gate
}

// Listen takes the port, or one that is free if it is 0. The page answers the one
// browser that comes by an address of Address, and does what the configuration's user
// may. Kept is the store, or nil.
func Listen(ctx context.Context, config *rest.Config, kept *client.Store, port int) (*Local, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("listen on the loopback: %w", err)
	}
	page, err := New(Options{
		Config: config, Kept: kept, Local: true, Viewers: viewer.Local{}, Clock: clock.RealClock{}, Log: logr.Discard(), Stopping: ctx.Done(),
	})
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	if at, is := listener.Addr().(*net.TCPAddr); is {
		port = at.Port
	}
	stranger := secure.Headers(http.HandlerFunc(strange))
	gate := secure.NewGate(port, stranger)
	return &Local{listener: listener, gate: gate, handler: secure.Loopback(port, gate.Wrap(page), stranger)}, nil
}

// strange answers whoever isn't the browser that was let in.
func strange(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "This page is for the browser that `kayci ui` has opened. Call it again for another one.", http.StatusForbidden)
}

// Address leads a browser to a path of the page, once.
func (l *Local) Address(path string) string {
	return "http://" + l.listener.Addr().String() + secure.EnterPath + "?" + url.Values{"code": {l.gate.Code()}, "next": {path}}.Encode()
}

// Serve answers until the context is done.
func (l *Local) Serve(ctx context.Context) error {
	return Serve(ctx, l.listener, l.handler, nil, time.Second)
}

// NamespacePath is the path of a namespace's page.
func NamespacePath(namespace string) string { return namespacePath(namespace) }

// RunPath is the path of a Run's page.
func RunPath(namespace, run string) string { return runPath(namespace, run) }
