package webhook

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// held is a server whose Run creations wait until they are released.
func held(t *testing.T, options Options) (f *fixture, entered, release chan struct{}) {
	t.Helper()
	entered, release = make(chan struct{}, 8), make(chan struct{})
	f = newFixture(t, setup{
		options: options,
		objects: objects(pipeline(), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric)),
		funcs: interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if _, ok := obj.(*v1alpha1.Run); ok {
				entered <- struct{}{}
				<-release
			}
			return c.Create(ctx, obj, opts...)
		}},
	})
	return f, entered, release
}

func wait[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("%s has not come within %s", what, patience)
		panic("unreachable")
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// TestShutdownFinishesWhatIsInFlight stops the server while a Run is being
// created: the sender still gets its answer, and nobody new is let in.
func TestShutdownFinishesWhatIsInFlight(t *testing.T) {
	f, entered, release := held(t, Options{})
	listener := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- f.Serve(ctx, listener) }()

	url := "http://" + listener.Addr().String() + "/hooks/ci/"
	statuses := make(chan string, 1)
	go func() { statuses <- post(url + "by-hand") }()
	wait(t, "the first request's Run", entered)
	// What starts no Run has its answer at once, also where it is let in right before the end.
	answered := post(url + "unknown")
	stop()
	eventually(t, "the stopped server lets nobody in", func() bool { return post(url+"unknown") != answered })
	close(release)
	if status := wait(t, "the answer", statuses); status != "201 Created" {
		t.Errorf("the request in flight ended with %s", status)
	}
	if err := wait(t, "the server's end", served); err != nil {
		t.Error(err)
	}
}

// post sends a request that starts a Run and returns the status or the error.
func post(url string) string { return postBody(url, strings.NewReader("{}")) }

// TestDefaultBodiesFitIntoMemory checks what anybody can make the server hold.
func TestDefaultBodiesFitIntoMemory(t *testing.T) {
	const room = 161 << 20
	if most := newFixture(t, setup{}).opts.room(); most > room {
		t.Errorf("there is room for bodies of %d bytes at once, want at most %d", most, room)
	}
}

// A Trigger that a request doesn't get to in time is not answered with a decision.
func TestNothingIsDecidedTooLate(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary))})
	late, cancel := context.WithCancel(t.Context())
	cancel()
	by := trigger("by-hand", v1alpha1.ProviderGeneric, func(s *v1alpha1.TriggerSpec) { s.Suspend = true })
	got := f.deliver(late, by, delivery{provider: v1alpha1.ProviderGeneric, id: "1", event: &event.Event{}, body: &document{}}, true)
	want := result{Trigger: "by-hand", Outcome: failed, Reason: "the API server could not store the outcome: send it again", transient: true}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if events := f.recorded(t); len(events) != 0 {
		t.Errorf("recorded %v", events)
	}
}

// TestClientThatHangsUp checks that the Run is created although nobody waits.
func TestClientThatHangsUp(t *testing.T) {
	f := newFixture(t, setup{
		objects: objects(pipeline(), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric)),
		funcs: interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return c.Create(ctx, obj, opts...)
		}},
	})
	ctx, cancel := context.WithCancel(t.Context())
	body := &hangUp{Reader: strings.NewReader("{}"), cancel: cancel}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "/hooks/ci/by-hand", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+canary)
	f.Handler().ServeHTTP(discard{}, req)
	if runs := f.runs(t); len(runs) != 1 {
		t.Errorf("there are %d Runs", len(runs))
	}
}

// hangUp ends the request's context when its body has been read.
type hangUp struct {
	io.Reader
	cancel func()
}

func (h *hangUp) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err == io.EOF {
		h.cancel()
	}
	return n, err
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestMetrics(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary),
		trigger("web-push", v1alpha1.ProviderGitHub), trigger("other", v1alpha1.ProviderGitHub, onBranches("other")))})
	f.send(githubPush(t, "/hooks/ci/web-push", "d1"))
	f.send(githubPush(t, "/hooks/ci", "d1"))
	f.send(request{path: "/hooks/ci", body: "{}"})
	families, err := f.registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d metrics, %v", len(families), err)
	}
	got := map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		series := families[0].GetName()
		for _, label := range metric.GetLabel() {
			series += " " + label.GetName() + "=" + label.GetValue()
		}
		got[series] = metric.GetCounter().GetValue()
	}
	want := map[string]float64{
		"kayci_webhook_deliveries_total outcome=Created provider=github":    1,
		"kayci_webhook_deliveries_total outcome=Exists provider=github":     1,
		"kayci_webhook_deliveries_total outcome=NotMatched provider=github": 1,
		"kayci_webhook_deliveries_total outcome=Unauthenticated provider=":  1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestServerRunsOnEveryReplica(t *testing.T) {
	f := newFixture(t, setup{})
	if f.NeedLeaderElection() {
		t.Error("the webhook server would run on the leader only")
	}
	f.opts.Address = "no address"
	if err := f.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen for webhooks") {
		t.Errorf("on an address that is none: %v", err)
	}
}
