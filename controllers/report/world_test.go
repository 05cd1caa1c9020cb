package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/report"
	"github.com/kayci/kayci/test/copies"
)

const canary = "canarybird-token"

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sha  = strings.Repeat("a", 40)
)

// host is Gitea, as far as statuses go.
type host struct {
	mu    sync.Mutex
	posts []string
	code  int
	body  string
	retry string
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var status struct{ State, Context, Description string }
	if err := json.NewDecoder(r.Body).Decode(&status); err != nil || r.Header.Get("Authorization") != "token "+canary {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	h.posts = append(h.posts, fmt.Sprintf("%s: %s", status.State, status.Description))
	if h.retry != "" {
		w.Header().Set("Retry-After", h.retry)
	}
	if h.code != 0 {
		w.WriteHeader(h.code)
	}
	fmt.Fprint(w, h.body)
}

// answer has the host answer so from now on.
func (h *host) answer(code int, body, retry string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.code, h.body, h.retry = code, body, retry
}

// said returns what was posted since it was last asked.
func (h *host) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	said := h.posts
	h.posts = nil
	return said
}

// world is an API server, a git host, and a Reporter that can be started again.
type world struct {
	t        *testing.T
	client   client.Client
	clock    *clocktesting.FakePassiveClock
	host     *host
	logs     *logServer
	writes   int
	reporter *report.Reporter
}

func trigger(api string) *v1alpha1.Trigger {
	return &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push", Generation: 1},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "web",
			Webhook:  &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitea, SecretRef: meta.LocalObjectReference{Name: "hook"}},
			Report:   &v1alpha1.Report{API: api + "/api/v1", SecretRef: meta.LocalObjectReference{Name: "token"}},
		},
	}
}

func run(name string, created int, edits ...func(*v1alpha1.Run)) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, CreationTimestamp: metav1.NewTime(noon.Add(time.Duration(created) * time.Second))},
		Spec:       v1alpha1.RunSpec{Pipeline: "web", Origin: &v1alpha1.Origin{Trigger: "web-push", Repository: "acme/web", SHA: sha}},
	}
	for _, edit := range edits {
		edit(r)
	}
	return r
}

func queued(r *v1alpha1.Run)  { phase(r, v1alpha1.RunQueued, "no job has started") }
func running(r *v1alpha1.Run) { phase(r, v1alpha1.RunRunning, "") }
func failed(r *v1alpha1.Run)  { phase(r, v1alpha1.RunFailed, "job test failed") }
func passed(r *v1alpha1.Run)  { phase(r, v1alpha1.RunSucceeded, "1 of 1 jobs succeeded") }

func phase(r *v1alpha1.Run, phase v1alpha1.RunPhase, message string) {
	r.Status.Phase = phase
	r.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Status: "Unknown", Reason: string(phase), Message: message, LastTransitionTime: metav1.NewTime(noon)}}
	if phase.Finished() {
		r.Status.CompletionTime = new(metav1.NewTime(noon))
	}
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	gitea := &host{}
	server := httptest.NewServer(gitea)
	t.Cleanup(server.Close)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "token"}, Data: map[string][]byte{"token": []byte(canary)}}
	w := newWorldOf(t, append(objects, trigger(server.URL), secret)...)
	w.host = gitea
	return w
}

// newWorldOf has no git host.
func newWorldOf(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clocktesting.NewFakePassiveClock(noon), logs: newLogServer(t)}
	w.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).
		WithStatusSubresource(&v1alpha1.Run{}).WithIndex(&v1alpha1.Run{}, "spec.origin", report.SubjectOf).
		WithInterceptorFuncs(interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			w.writes++
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		}}).Build()
	w.restart()
	return w
}

// restart begins with a Reporter that remembers nothing.
func (w *world) restart() {
	w.reporter = &report.Reporter{Client: w.client, APIReader: w.client, Clock: w.clock, Opener: githost.NewOpener(w.clock, nil), Logs: w.reader()}
}

// look reconciles once, and returns when to look again.
func (w *world) look() time.Duration {
	w.t.Helper()
	result, err := w.reporter.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ci", Name: "web-push/" + sha}})
	if err != nil {
		w.t.Fatal(err)
	}
	return result.RequeueAfter
}

// becomes changes a Run's status, as the controller of Runs does.
func (w *world) becomes(name string, edit func(*v1alpha1.Run)) {
	w.t.Helper()
	r := w.run(name)
	reported := r.Status.Conditions
	edit(r)
	for _, c := range reported {
		if c.Type == v1alpha1.ReportedCondition {
			r.Status.Conditions = append(r.Status.Conditions, c)
		}
	}
	if err := w.client.Status().Update(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(name string) *v1alpha1.Run {
	w.t.Helper()
	var r v1alpha1.Run
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: name}, &r); err != nil {
		w.t.Fatal(err)
	}
	return &r
}

// reported returns the Run's condition as text, without addresses.
func (w *world) reported(name string) string {
	w.t.Helper()
	for _, c := range w.run(name).Status.Conditions {
		if c.Type == v1alpha1.ReportedCondition {
			return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
		}
	}
	return ""
}

func (w *world) after(d time.Duration) { w.clock.SetTime(w.clock.Now().Add(d)) }
