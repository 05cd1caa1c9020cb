package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiwait "k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/api/v1alpha1"
)

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	err := apiwait.PollUntilContextTimeout(t.Context(), time.Millisecond, patience, true, func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		t.Fatalf("not within %s: %s", patience, what)
	}
}

// expectUntaken waits until no body takes room and no request a place.
func expectUntaken(t *testing.T, s *Server) {
	t.Helper()
	eventually(t, "all room and all places are given back", func() bool {
		s.room.mu.Lock()
		defer s.room.mu.Unlock()
		s.places.mu.Lock()
		defer s.places.mu.Unlock()
		return s.room.taken == 0 && len(s.room.bodies) == 0 && s.places.free == s.opts.MaxConcurrent
	})
}

// serve starts the fixture's server and returns its address.
func (f *fixture) serve(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- f.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := wait(t, "the server's end", served); err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func (f *fixture) arriving() int {
	f.room.mu.Lock()
	defer f.room.mu.Unlock()
	return len(f.room.bodies)
}

// dawdle opens a connection, begins a request on it, and goes no further.
func dawdle(t *testing.T, address, begun string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, begun); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowSendersAreInNobodysWay opens many more connections than there may be,
// each with a byte of a body or of a header, from the address that the others use.
func TestSlowSendersAreInNobodysWay(t *testing.T) {
	const most = 200
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric))})
	f.connections = most
	address := f.serve(t)
	body := "POST /hooks/ci/by-hand HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"
	for i := range most + most/2 {
		dawdle(t, address, []string{body, "P"}[i%2])
	}
	eventually(t, "bodies have begun", func() bool { return f.arriving() > most/4 })
	if taken := f.taken(); taken > int64(most)*leastRoom {
		t.Errorf("bodies of one byte take %d bytes", taken)
	}
	for range 5 {
		if status := post("http://" + address + "/hooks/ci/by-hand"); status != "201 Created" {
			t.Errorf("beside slow senders a request is answered with %s", status)
		}
	}
	if got := f.arriving(); got > most {
		t.Errorf("%d bodies arrive at once", got)
	}
}

func (f *fixture) taken() int64 {
	f.room.mu.Lock()
	defer f.room.mu.Unlock()
	return f.room.taken
}

// TestLargeBodiesWaitForEachOther sends many times what there is room for, by
// authentic senders of one address and namespace: all are taken in the end.
func TestLargeBodiesWaitForEachOther(t *testing.T) {
	const size = 1 << 20
	f := newFixture(t, setup{
		objects: objects(pipeline(), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric)),
		options: Options{MaxBytes: size, MaxConcurrent: 3, Patience: time.Minute},
	})
	address := f.serve(t)
	body := append(append([]byte("{"), bytes.Repeat([]byte(" "), size-2)...), '}')
	answers := make(chan string, 16)
	for range cap(answers) {
		go func() { answers <- postBody("http://"+address+"/hooks/ci/by-hand", bytes.NewReader(body)) }()
	}
	got := map[string]int{}
	for range cap(answers) {
		got[wait(t, "an answer", answers)]++
	}
	if diff := cmp.Diff(map[string]int{"201 Created": cap(answers)}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	expectUntaken(t, f.Server)
}

// TestSlowLargeBodiesMakeRoom fills the room by senders that then stop: a large
// body that comes later gets it.
func TestSlowLargeBodiesMakeRoom(t *testing.T) {
	const size = 1 << 20
	f := newFixture(t, setup{
		objects: objects(pipeline(), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric)),
		options: Options{MaxBytes: size, MaxConcurrent: 3, Patience: time.Minute},
	})
	address := f.serve(t)
	begun := fmt.Sprintf("POST /hooks/ci/by-hand HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat(" ", size/2-1))
	for range 4 {
		dawdle(t, address, begun)
	}
	eventually(t, "the room is taken", func() bool { return f.taken() == 2*size })
	f.clock.SetTime(f.clock.Now().Add(2 * grace))
	if status := postBody("http://"+address+"/hooks/ci/by-hand", strings.NewReader("{"+strings.Repeat(" ", size-2)+"}")); status != "201 Created" {
		t.Errorf("beside slow senders a large body is answered with %s", status)
	}
}

// TestWhatIsCutOff ends bodies before their end, one by closing the connection.
func TestWhatIsCutOff(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric))})
	address := f.serve(t)
	conn := dawdle(t, address, "POST /hooks/ci/by-hand HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	eventually(t, "the body has begun", func() bool { return f.arriving() == 1 })
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatal("no TCP")
	}
	if err := tcp.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if want := "HTTP/1.1 400 Bad Request"; err != nil || !strings.HasPrefix(string(answer), want) {
		t.Errorf("got %q, %v, want %s", answer, err, want)
	}
	expectUntaken(t, f.Server)
}

// TestBusyConnectionsStay has a request that is handled while too many others come.
func TestBusyConnectionsStay(t *testing.T) {
	f, entered, release := held(t, Options{})
	f.connections = 4
	address := f.serve(t)
	statuses := make(chan string, 1)
	go func() { statuses <- post("http://" + address + "/hooks/ci/by-hand") }()
	wait(t, "the request's Run", entered)
	conns := make([]net.Conn, 20)
	for i := range conns {
		conns[i] = dawdle(t, address, "POST ")
	}
	if _, err := io.ReadAll(conns[0]); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection that has waited longest is still open: %v", err)
	}
	close(release)
	if status := wait(t, "the answer", statuses); status != "201 Created" {
		t.Errorf("the request in flight ended with %s", status)
	}
}

func postBody(url string, body io.Reader) string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, body)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+canary)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Status
}
