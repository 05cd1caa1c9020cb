package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/test/copies"
)

// canary is every Secret's token in these tests. It must not turn up in answers,
// logs or events.
const canary = "canary-3a1f9c"

const head = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"

// fixture is a server over a fake API server, with what it logged.
type fixture struct {
	*Server
	client   client.WithWatch
	registry *prometheus.Registry
	clock    *clocktesting.FakePassiveClock
	log      *lines
}

type setup struct {
	objects []client.Object
	funcs   interceptor.Funcs
	options Options
}

func newFixture(t testing.TB, with setup) *fixture {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		client:   fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(with.objects...)...).WithStatusSubresource(&v1alpha1.Trigger{}).WithInterceptorFuncs(with.funcs).Build(),
		registry: prometheus.NewRegistry(),
		clock:    clocktesting.NewFakePassiveClock(time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)),
		log:      &lines{},
	}
	options := with.options
	options.Client, options.APIReader = f.client, f.client
	options.Starter = &start.Starter{Client: f.client, APIReader: f.client}
	options.Clock, options.Metrics, options.Log = f.clock, f.registry, logTo(f.log)
	server, err := NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	server.concealment = 0
	f.Server = server
	return f
}

// lines are a log that many requests write to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logTo(log *lines) logr.Logger {
	return funcr.NewJSON(log.add, funcr.Options{Verbosity: 10})
}

// request is one POST to the server.
type request struct {
	path   string
	header map[string]string
	body   string
}

func (f *fixture) send(req request) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, req.path, strings.NewReader(req.body))
	for name, value := range req.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w
}

// answered is an answer in the form that tests compare.
type answered struct {
	Status   int
	Delivery string
	Results  []result
	Error    string
}

func read(t testing.TB, w *httptest.ResponseRecorder) answered {
	t.Helper()
	got := answered{Status: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("the answer %q: %v", w.Body, err)
	}
	return got
}

func (f *fixture) expect(t testing.TB, req request, want answered) {
	t.Helper()
	got := read(t, f.send(req))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func (f *fixture) trigger(t testing.TB, name string) *v1alpha1.Trigger {
	t.Helper()
	found := &v1alpha1.Trigger{}
	if err := f.client.Get(context.Background(), client.ObjectKey{Namespace: "ci", Name: name}, found); err != nil {
		t.Fatal(err)
	}
	return found
}

func (f *fixture) parsed(t testing.TB, body string) *event.Event {
	t.Helper()
	parsed, err := event.Parse(v1alpha1.ProviderGitHub, "push", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return parsed[0]
}

func (f *fixture) runs(t testing.TB) []v1alpha1.Run {
	t.Helper()
	var list v1alpha1.RunList
	if err := f.client.List(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// recorded lists the events as "type reason object: note".
func (f *fixture) recorded(t testing.TB) []string {
	t.Helper()
	var list eventsv1.EventList
	if err := f.client.List(context.Background(), &list); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range list.Items {
		e := &list.Items[i]
		lines = append(lines, e.Type+" "+e.Reason+" "+e.Regarding.Kind+"/"+e.Regarding.Name+": "+e.Note)
	}
	return lines
}

func pipeline(params ...v1alpha1.Param) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "web-uid"},
		Spec:       v1alpha1.PipelineSpec{Params: params, Jobs: []v1alpha1.Job{{Name: "test"}}},
	}
}

func secret(name, token string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name},
		Data:       map[string][]byte{"token": []byte(token)},
	}
}

func trigger(name string, provider v1alpha1.Provider, edits ...func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
	t := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: "trigger-uid"},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "web",
			Webhook:  &v1alpha1.Webhook{Provider: provider, SecretRef: meta.LocalObjectReference{Name: "hook"}},
		},
	}
	for _, edit := range edits {
		edit(&t.Spec)
	}
	return t
}

func withParams(params map[string]string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) { s.Params = params }
}

func onBranches(names ...string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) { s.Webhook.Branches = names }
}

func payload(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "event", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func sign(token, body string) string { return hex.EncodeToString(mac([]byte(token), []byte(body))) }

func githubPush(t testing.TB, path, delivery string) request {
	t.Helper()
	return signedGitHub(path, delivery, "push", payload(t, "github-push"))
}

func signedGitHub(path, delivery, kind, body string) request {
	return request{path: path, body: body, header: map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": kind, "X-GitHub-Delivery": delivery,
		"X-Hub-Signature-256": "sha256=" + sign(canary, body),
	}}
}

func bearer(path, delivery, body string) request {
	return request{path: path, body: body, header: map[string]string{
		"Authorization": "Bearer " + canary, "Idempotency-Key": delivery,
	}}
}

func objects(list ...client.Object) []client.Object { return list }

func header(values map[string]string) http.Header {
	h := http.Header{}
	for name, value := range values {
		h.Set(name, value)
	}
	return h
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
