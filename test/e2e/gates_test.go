package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kayci/kayci/test/cluster"
)

// gates lets a test hold a container at a point of its script until the test
// says go on, and see that it is there: order and overlap are then facts rather
// than matters of timing. A container sends the gate's name in a line and gets
// a line when it may go on.
type gates struct {
	address  string
	listener net.Listener

	mu     sync.Mutex
	byName map[string]*gate
}

type gate struct {
	open     chan struct{}
	answer   string
	arrivals int
}

const (
	goOn = "go"
	fail = "fail"
)

func newGates(ctx context.Context, host string) (*gates, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for containers: %w", err)
	}
	g := &gates{address: listener.Addr().String(), listener: listener, byName: map[string]*gate{}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // stop has closed it
			}
			go g.pass(ctx, conn)
		}
	}()
	return g, nil
}

func (g *gates) stop() error { return g.listener.Close() }

func (g *gates) pass(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	name, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return // the container has been stopped
	}
	one := g.get(strings.TrimSpace(name))
	g.mu.Lock()
	one.arrivals++
	g.mu.Unlock()
	select {
	case <-one.open:
		_, _ = io.WriteString(conn, one.answer+"\n") // nobody is told if the container has been stopped
	case <-ctx.Done():
	}
}

func (g *gates) get(name string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byName[name] == nil {
		g.byName[name] = &gate{open: make(chan struct{})}
	}
	return g.byName[name]
}

// through is a line of a script that waits at a gate of the test.
func (s *space) through(name string) string {
	host, port, _ := strings.Cut(shared.gates.address, ":")
	return fmt.Sprintf(`[ "$(echo %s/%s | nc %s %s)" = %s ]`, s.namespace, name, host, port, goOn)
}

func (s *space) gate(name string) *gate { return shared.gates.get(s.namespace + "/" + name) }

// arrivals counts the containers that have come to a gate.
func (s *space) arrivals(name string) int {
	one := s.gate(name)
	shared.gates.mu.Lock()
	defer shared.gates.mu.Unlock()
	return one.arrivals
}

func (s *space) awaitArrival(t *testing.T, name string) {
	t.Helper()
	s.await(t, "a container at the gate "+name, func(context.Context) (bool, string, error) {
		return s.arrivals(name) > 0, "nobody is there", nil
	})
}

func (s *space) openGate(names ...string) {
	for _, name := range names {
		s.gate(name).tell(goOn)
	}
}

// failAt has the containers fail that are at a gate, or come to it.
func (s *space) failAt(name string) { s.gate(name).tell(fail) }

func (g *gate) tell(answer string) {
	g.answer = answer
	close(g.open)
}

// await polls a condition for as long as the slowest step of a busy machine may
// take. What passes does so much sooner. What was seen on the way is shown of the
// wait that failed, and of each where somebody looks on.
func (s *space) await(t *testing.T, what string, check cluster.Check) {
	t.Helper()
	var seen bytes.Buffer
	var out io.Writer = &seen
	if testing.Verbose() {
		out = t.Output()
	}
	if err := cluster.NewProgress(out).Wait(s.ctx, what, 90*time.Second, check); err != nil {
		t.Fatalf("%s%v", seen.String(), err)
	}
}
