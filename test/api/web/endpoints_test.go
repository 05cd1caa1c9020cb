package web_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/page"
)

// The kinds of viewers: one who may look at the namespace, one who may approve there and
// nothing else, one who may do all that the page does, one who may look at another, and
// one who hasn't signed in.
const (
	aViewer = iota
	anApprover
	anEditor
	aStranger
	nobody
)

// endpoint is a request, and the status that each kind of viewer gets.
type endpoint struct {
	method, path string
	want         [5]int
}

// endpoints are all that are answered as somebody, in an order in which none is in the
// next one's way.
func endpoints() []endpoint {
	const ok, see, no, who, none = http.StatusOK, http.StatusSeeOther, http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound
	return []endpoint{
		{"GET", "/", [...]int{ok, ok, ok, ok, see}},
		{"GET", "/ns/{ns}", [...]int{ok, ok, ok, no, see}},
		{"GET", "/ns/{ns}/events", [...]int{ok, ok, ok, no, who}},
		{"GET", "/ns/{ns}/pipelines/web", [...]int{ok, no, ok, no, see}},
		{"POST", "/ns/{ns}/pipelines/web/runs", [...]int{no, no, see, no, who}},
		{"GET", "/ns/{ns}/pipelines/web/runs/1", [...]int{see, see, see, no, see}},
		{"GET", "/ns/{ns}/runs/web-failed", [...]int{ok, ok, ok, no, see}},
		{"GET", "/ns/{ns}/runs/web-failed/events", [...]int{ok, ok, ok, no, who}},
		{"GET", "/ns/{ns}/runs/web-failed/log.tar.gz", [...]int{ok, no, ok, no, who}},
		{"GET", "/ns/{ns}/runs/web-failed/jobs/test", [...]int{ok, ok, ok, no, see}},
		{"GET", "/ns/{ns}/runs/web-failed/jobs/test/log", [...]int{ok, no, ok, no, who}},
		{"GET", "/ns/{ns}/runs/web-failed/jobs/test/log/search?q=FAIL", [...]int{ok, no, ok, no, who}},
		{"GET", "/ns/{ns}/runs/web-failed/jobs/test/artifacts/dist", [...]int{ok, ok, ok, no, who}},
		{"GET", "/ns/{ns}/runs/web-failed/jobs/test/artifacts/none", [...]int{none, none, none, no, who}},
		{"GET", "/ns/{ns}/runs/web-gone", [...]int{ok, ok, ok, no, see}},
		{"POST", "/ns/{ns}/runs/web-asking/jobs/publish/approve", [...]int{no, see, see, no, who}},
		{"POST", "/ns/{ns}/runs/web-asking/cancel", [...]int{no, see, see, no, who}},
		{"POST", "/ns/{ns}/runs/web-failed/retry", [...]int{no, no, see, no, who}},
		{"GET", "/ns/{ns}/configrepos/config", [...]int{ok, no, ok, no, see}},
		{"POST", "/ns/{ns}/configrepos/config/sync", [...]int{no, no, see, no, who}},
		{"GET", "/ns/{ns}/triggers/web-push", [...]int{ok, no, ok, no, see}},
	}
}

// TestViewersDoWhatTheyMay: the page does nothing that its viewer can't. What is refused
// has changed nothing, and shows nothing of the namespace.
func TestViewersDoWhatTheyMay(t *testing.T) {
	t.Parallel()
	for kind, who := range []string{"viewer", "approver", "editor", "stranger", "nobody"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newSite(t))
			w.url = w.serve(t, w.store(t))
			node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
			node.Print(t, "web-failed", "test", "FAIL\n")
			node.End(t, "web-failed", "test", 1)
			token := w.viewer(t, kind)
			for _, e := range endpoints() {
				w.try(t, token, e, e.want[kind])
			}
			if token != "" {
				shows(t, token, w.log.String())
			}
		})
	}
}

// viewer of the kind, by its token.
func (w *world) viewer(t *testing.T, kind int) string {
	t.Helper()
	switch kind {
	case aViewer, anApprover, anEditor:
		return w.user(t, "holder", rightsOf(kind)...)
	case aStranger:
		return newSite(t).user(t, "stranger", viewing()...)
	default:
		return ""
	}
}

// rightsOf are what a viewer of the kind may do in the namespace.
func rightsOf(kind int) []rbacv1.PolicyRule {
	switch kind {
	case aViewer:
		return viewing()
	case anApprover:
		return []rbacv1.PolicyRule{rule(v1alpha1.Group, "runs", "get", "list", "watch", "patch", "approve")}
	case anEditor:
		return append(viewing(), rule(v1alpha1.Group, "runs", editing()...), rule(v1alpha1.Group, "configrepos", "patch"))
	default:
		return nil
	}
}

func (w *world) try(t *testing.T, token string, e endpoint, want int) {
	t.Helper()
	stored := w.stored(t)
	path := strings.ReplaceAll(e.path, "{ns}", w.namespace)
	var got answer
	if strings.HasSuffix(path, "/events") {
		got = w.firstEvent(t, token, path)
	} else {
		got = w.request(t, token, e.method, path, url.Values{"param.git_sha": {sha}})
	}
	if got.status != want {
		t.Errorf("%s %s: %d, want %d\n%s", e.method, e.path, got.status, want, got.body)
	}
	if e.method == http.MethodPost && got.status == http.StatusSeeOther {
		return
	}
	if diff := cmp.Diff(stored, w.stored(t)); diff != "" {
		t.Errorf("%s %s: answered with %d, and something has changed (-before +after):\n%s", e.method, e.path, got.status, diff)
	}
	if got.status >= http.StatusBadRequest && (strings.Contains(got.body, "Fix login") || strings.Contains(got.body, "FAIL")) {
		t.Errorf("%s %s: answered with %d, and shows what it refuses:\n%s", e.method, e.path, got.status, got.body)
	}
	if token != "" {
		shows(t, token, got.body)
	}
}

// stored is every object of the namespace that a page could change, with its version.
func (w *world) stored(t *testing.T) map[string]string {
	t.Helper()
	versions := map[string]string{}
	var runs v1alpha1.RunList
	var pipelines v1alpha1.PipelineList
	var repos v1alpha1.ConfigRepoList
	w.list(t, &runs, &pipelines, &repos)
	for n := range runs.Items {
		versions["Run "+runs.Items[n].Name] = runs.Items[n].ResourceVersion
	}
	for n := range pipelines.Items {
		versions["Pipeline "+pipelines.Items[n].Name] = pipelines.Items[n].ResourceVersion
	}
	for n := range repos.Items {
		versions["ConfigRepo "+repos.Items[n].Name] = repos.Items[n].ResourceVersion
	}
	return versions
}

// TestEveryEndpointIsTried: what is added to the page is to be added above.
func TestEveryEndpointIsTried(t *testing.T) {
	t.Parallel()
	patterns, err := os.ReadFile(filepath.Join("..", "..", "..", "web", "testdata", "endpoints.txt"))
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{"GET /healthz": true, "GET /static/{hash}/{file}": true, "GET /login": true, "POST /login": true, "POST /logout": true, "GET /login/oidc": true, "GET /login/oidc/callback": true, "GET /help": true, "/": true}
	mux := http.NewServeMux()
	tried := map[string]bool{}
	for pattern := range strings.Lines(string(patterns)) {
		mux.HandleFunc(strings.TrimSpace(pattern), func(http.ResponseWriter, *http.Request) {})
	}
	for _, e := range endpoints() {
		path, _, _ := strings.Cut(strings.ReplaceAll(e.path, "{ns}", "ci"), "?")
		_, pattern := mux.Handler(&http.Request{Method: e.method, URL: &url.URL{Path: path}, Host: "x"})
		tried[pattern] = true
	}
	for pattern := range strings.Lines(string(patterns)) {
		if pattern = strings.TrimSpace(pattern); !tried[pattern] && !open[pattern] {
			t.Errorf("nobody tries %s", pattern)
		}
	}
}
