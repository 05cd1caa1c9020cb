package report_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// checkRun is one that GitHub has.
type checkRun struct {
	Number     int    `json:"id"`
	ID         string `json:"external_id"`
	Name       string `json:"name"`
	SHA        string `json:"head_sha"`
	URL        string `json:"details_url"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
	Output     struct {
		Title, Summary, Text string
	} `json:"output"`
}

// github is GitHub, as far as check runs of one app go.
type github struct {
	mu     sync.Mutex
	checks []checkRun
	posts  []string
	code   int
	body   string
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/access_tokens") {
		fmt.Fprintf(w, `{"token":%q,"expires_at":%q}`, canary, noon.Add(30*24*time.Hour).Format(time.RFC3339))
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+canary || g.code != 0 {
		w.WriteHeader(max(g.code, http.StatusUnauthorized))
		fmt.Fprint(w, g.body)
		return
	}
	if r.Method == http.MethodGet {
		write(w, map[string]any{"check_runs": g.checks})
		return
	}
	g.change(w, r)
}

func (g *github) change(w http.ResponseWriter, r *http.Request) {
	at := slices.IndexFunc(g.checks, func(c checkRun) bool { return strings.HasSuffix(r.URL.Path, fmt.Sprintf("/%d", c.Number)) })
	how := "changed"
	if at < 0 {
		at, how = len(g.checks), "made"
		g.checks = append(g.checks, checkRun{Number: at + 1})
	}
	check := &g.checks[at]
	if err := json.NewDecoder(r.Body).Decode(check); err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	g.posts = append(g.posts, fmt.Sprintf("%s %d: %s: %s", how, check.Number, strings.TrimSpace(check.Status+" "+check.Conclusion), check.Output.Title))
	write(w, check)
}

func write(w http.ResponseWriter, answer any) {
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (g *github) answer(code int, body string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.code, g.body = code, body
}

// checks compares what was told to GitHub since the last look, after another.
func (w *world) checks(when string, g *github, after time.Duration, said ...string) {
	w.t.Helper()
	if got := w.look(); got != after {
		w.t.Errorf("%s: looks again after %s, want %s", when, got, after)
	}
	if diff := cmp.Diff(said, g.posts); diff != "" {
		w.t.Errorf("%s: (-want +got):\n%s", when, diff)
	}
	g.posts = nil
}

var appSecret = sync.OnceValue(func() *corev1.Secret {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "token"}, Data: map[string][]byte{
		"appID": []byte("11"), "installationID": []byte("22"),
		"privateKey": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}}
})

// newCheckWorld has GitHub for its host, by an app.
func newCheckWorld(t *testing.T, objects ...client.Object) (*world, *github) {
	t.Helper()
	g := &github{}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	by := trigger("")
	by.UID, by.Spec.Webhook.Provider, by.Spec.Report.API = "uid-of-web-push", v1alpha1.ProviderGitHub, server.URL
	return newWorldOf(t, append(objects, by, appSecret().DeepCopy())...), g
}

func withUID(r *v1alpha1.Run) { r.UID = "uid-of-a" }

// TestCheckRun: a Run has one check run, also after a restart, and its late news change
// nothing of the result.
func TestCheckRun(t *testing.T) {
	t.Parallel()
	w, g := newCheckWorld(t, append(partsOf("a"), run("a", 0, withUID, queued))...)
	w.logs.prints(0, "dialing", "FAIL: no login with "+password, "```")
	w.checks("new", g, 0, "made 1: queued: queued: no job has started")
	w.checks("again", g, 0)
	w.becomes("a", running)
	w.checks("soon after", g, 2*time.Second)
	w.after(2 * time.Second)
	w.checks("in time", g, 0, "changed 1: in_progress: 0 of 0 jobs ended")
	w.restart()
	w.checks("after a restart", g, 0, "changed 1: in_progress: 0 of 0 jobs ended")
	w.becomes("a", failing)
	w.checks("its end", g, 0, "changed 1: completed failure: job test failed")
	w.checks("again", g, 0)
	if got := w.reported("a"); got != "True Reported: The check run kayci/web-push is failure" {
		t.Errorf("Reported is %s", got)
	}
	const text = "### test, container main\n\n````\ndialing\nFAIL: no login with ***\n```\n````\n\n"
	got := g.checks[0]
	if diff := cmp.Diff(text, got.Output.Text); diff != "" || got.ID != "ci/web-push/a/uid-of-a" || !strings.Contains(got.Output.Summary, "| test | Failed |") {
		t.Errorf("%+v, its text (-want +got):\n%s", got, diff)
	}
	w.becomes("a", func(r *v1alpha1.Run) {
		r.Status.Conditions = nil
		running(r)
		r.Status.CompletionTime = nil
	})
	w.restart()
	w.checks("seen as it was before", g, 0)
}

// TestCheckOfJobs: what becomes of a job is told, though the title is the same.
func TestCheckOfJobs(t *testing.T) {
	t.Parallel()
	waits := func(reason string) func(*v1alpha1.Run) {
		return func(r *v1alpha1.Run) {
			running(r)
			r.Status.Jobs = []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobWaiting, Reason: reason}}
		}
	}
	w, g := newCheckWorld(t, run("a", 0, waits("AwaitingNeeds")))
	w.checks("new", g, 0, "made 1: in_progress: 0 of 1 jobs ended")
	w.becomes("a", waits("AwaitingPlace"))
	w.after(2 * time.Second)
	w.checks("otherwise", g, 0, "changed 1: in_progress: 0 of 1 jobs ended")
	w.checks("again", g, 0)
}

// TestCheckOfARetry: another Run of the commit has a check run of its own.
func TestCheckOfARetry(t *testing.T) {
	t.Parallel()
	w, g := newCheckWorld(t, run("a", 0, withUID, failed))
	w.checks("failed", g, 0, "made 1: completed failure: job test failed")
	if err := w.client.Create(t.Context(), run("b", 1, queued)); err != nil {
		t.Fatal(err)
	}
	w.checks("retried", g, 0, "made 2: queued: queued: no job has started")
	w.becomes("b", passed)
	w.checks("passed", g, 0, "changed 2: completed success: 1 of 1 jobs succeeded")
}

func TestCheckOfAHeldHead(t *testing.T) {
	t.Parallel()
	w, g := newCheckWorld(t)
	w.hold(sha)
	held := "action_required: waits for the label ok-to-test or the comment /ok-to-test " + sha + " by someone with write access"
	w.checks("held", g, 0, "made 1: completed "+held)
	w.restart()
	w.checks("after a restart", g, 0, "changed 1: completed "+held)
	w.hold("another")
	w.checks("replaced", g, 0, "changed 1: completed cancelled: was never let in: the pull request was closed, or has another head")
}

// TestDeletedCheck: a check run doesn't wait for a Run that is gone.
func TestDeletedCheck(t *testing.T) {
	t.Parallel()
	w, g := newCheckWorld(t, run("a", 0, withUID, running))
	w.checks("running", g, 0, "made 1: in_progress: 0 of 0 jobs ended")
	if err := w.client.Delete(t.Context(), w.run("a")); err != nil {
		t.Fatal(err)
	}
	w.checks("deleted", g, 0, "changed 1: completed cancelled: Run a was deleted before it had ended")
}

// TestCheckRefused: an app that may make no check runs is told so in GitHub's words, and
// makes no status either.
func TestCheckRefused(t *testing.T) {
	t.Parallel()
	w, g := newCheckWorld(t, run("a", 0, failing))
	g.answer(403, `{"message":"Resource not accessible by integration"}`)
	w.checks("refused", g, 10*time.Second)
	if got := w.reported("a"); !strings.HasPrefix(got, "False Forbidden: ") || !strings.Contains(got, "Resource not accessible by integration") {
		t.Errorf("Reported is %s", got)
	}
	g.answer(0, "")
	w.after(10 * time.Second)
	w.checks("in time", g, 0, "made 1: completed failure: job test failed")
}

// TestLogsStay: where the Trigger says so no log is in a check run, or even read.
func TestLogsStay(t *testing.T) {
	t.Parallel()
	w, g := newCheckWorld(t, append(partsOf("a"), run("a", 0, failing))...)
	w.logs.prints(0, "FAIL")
	w.edit(func(r *v1alpha1.Report) { r.Logs = new(false) })
	w.checks("its end", g, 0, "made 1: completed failure: job test failed")
	if text := g.checks[0].Output.Text; text != "" || len(w.logs.asked) > 0 {
		t.Errorf("the text is %q, asked for %q", text, w.logs.asked)
	}
}
