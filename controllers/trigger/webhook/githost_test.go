package webhook

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
)

// said is an answer of a git host's API.
type said struct {
	code   int
	body   string
	header map[string]string
}

// gitHost is the API of a git host over HTTP.
type gitHost struct {
	url string

	mu      sync.Mutex
	answers map[string]said
	asked   []string
}

// newGitHost answers requests by their method and path. One that it has no answer to
// has none for ever: silence.
func newGitHost(t testing.TB, answers map[string]said) *gitHost {
	t.Helper()
	h := &gitHost{answers: answers}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *gitHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	request := r.Method + " " + r.URL.Path
	h.mu.Lock()
	h.asked = append(h.asked, strings.TrimSpace(request+" "+string(body)))
	answer, known := h.answers[request]
	h.mu.Unlock()
	if !known {
		<-r.Context().Done()
		return
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(cmp.Or(answer.code, http.StatusOK))
	fmt.Fprint(w, answer.body)
}

// requests are those since the last call, without their order.
func (h *gitHost) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	slices.Sort(asked)
	return asked
}

// asking is a fixture whose Triggers ask git hosts over HTTP.
func asking(t testing.TB, all ...client.Object) *fixture {
	t.Helper()
	f := newFixture(t, setup{objects: append(objects(pipeline(), secret("hook", canary), secret("token", canary), secret("other", canary)), all...)})
	f.askHosts()
	return f
}

// askHosts by the Triggers' own credentials.
func (f *fixture) askHosts() {
	f.opts.Hosts = &githost.OfTriggers{Reader: f.client, Opener: githost.NewOpener(f.clock, nil)}
}

// impatient gives hosts little time, so that what is slow is soon known.
func (f *fixture) impatient() {
	f.allowance = allowance{each: time.Second, all: time.Minute, reply: time.Second}
}

func reportTo(api string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) {
		s.Report = &v1alpha1.Report{API: api, SecretRef: meta.LocalObjectReference{Name: "token"}}
	}
}

func bySecret(name string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) { s.Report.SecretRef.Name = name }
}

func onPaths(globs ...string) func(*v1alpha1.TriggerSpec) {
	return func(s *v1alpha1.TriggerSpec) { s.Webhook.Paths = globs }
}

const (
	askFiles   = "GET /repos/acme/web/pulls/7/files"
	askPull    = "GET /repos/acme/web/pulls/7"
	askAda     = "GET /repos/acme/web/collaborators/ada/permission"
	askCompare = "GET /repos/acme/web/compare/7fd1a60b01f91b314f59955a4e4d4e80d8edf11d..." + head
)

func mayWriteAnswer() said { return said{body: `{"permission":"write"}`} }

// ofPullHost is pull request 7 as GitHub's API has it.
func ofPullHost(repository, sha string) said {
	repo := func(name string) string {
		return `{"full_name":"` + name + `","clone_url":"https://git.example.com/` + name + `.git"}`
	}
	return said{body: `{"number":7,"title":"Fix","html_url":"https://git.example.com/7","user":{"login":"ben"},
		"head":{"ref":"fix","sha":"` + sha + `","repo":` + repo(repository) + `},"base":{"ref":"main","repo":` + repo("acme/web") + `}}`}
}

// keepsSecrets fails the test if the token is in any text.
func (f *fixture) keepsSecrets(t testing.TB, answers ...string) {
	t.Helper()
	texts := slices.Concat(answers, f.recorded(t), []string{f.log.String()})
	for i := range f.runs(t) {
		texts = append(texts, fmt.Sprint(f.runs(t)[i]))
	}
	for _, text := range texts {
		if strings.Contains(text, canary) {
			t.Errorf("the token is in %s", text)
		}
	}
}
