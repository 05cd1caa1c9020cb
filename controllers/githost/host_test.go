package githost_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// canary is the token of all tests: it may stand in no text.
const canary = "canarybird-token"

var (
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	before = strings.Repeat("b", 40)
	head   = strings.Repeat("a", 40)
)

// exchange is a request as the host's API documents it, and the answer to it.
type exchange struct {
	request string
	code    int
	answer  string
	header  map[string]string
}

// answerer answers with what is given, in that order.
type answerer struct {
	t     *testing.T
	mu    sync.Mutex
	left  []exchange
	asked []string
}

func (a *answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	a.asked = append(a.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
	if len(a.left) == 0 {
		http.Error(w, "asked too often", http.StatusTeapot)
		return
	}
	next := a.left[0]
	a.left = a.left[1:]
	w.Header().Set("Content-Type", "application/json")
	for name, value := range next.header {
		w.Header().Set(name, value)
	}
	if next.code != 0 {
		w.WriteHeader(next.code)
	}
	fmt.Fprint(w, next.answer)
}

// path is where each kind of host has its API.
func path(provider v1alpha1.Provider) string {
	return map[v1alpha1.Provider]string{"gitlab": "/api/v4", "gitea": "/api/v1", "bitbucket": "/2.0", "bitbucket-server": "/context/rest/api/1.0"}[provider]
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func open(t *testing.T, provider v1alpha1.Provider, api string) githost.Host {
	t.Helper()
	opener := githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil)
	host, err := opener.Open(t.Context(), &githost.Access{Provider: provider, API: api, Secret: map[string][]byte{"token": []byte(canary + "\n")}})
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// call is a row of a host's table: what is asked of it, the requests that this makes,
// and what comes of it.
type call struct {
	do    func(context.Context, githost.Host) (any, error)
	says  []exchange
	want  any
	error string
}

func table(t *testing.T, provider v1alpha1.Provider, calls map[string]call) {
	t.Helper()
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &answerer{t: t, left: tt.says}
			got, err := tt.do(t.Context(), open(t, provider, serve(t, server)+path(provider)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if text := fmt.Sprint(err); err != nil && (tt.error == "" || !strings.Contains(text, tt.error)) || err == nil && tt.error != "" {
				t.Errorf("the error is %v, want %q in it", err, tt.error)
			}
			var want []string
			for _, each := range tt.says {
				want = append(want, each.request)
			}
			if diff := cmp.Diff(want, server.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func mayWrite(repository, user string) func(context.Context, githost.Host) (any, error) {
	return func(ctx context.Context, host githost.Host) (any, error) { return host.MayWrite(ctx, repository, user) }
}

func pull(repository string) func(context.Context, githost.Host) (any, error) {
	return func(ctx context.Context, host githost.Host) (any, error) { return host.PullRequest(ctx, repository, 7) }
}

// files is a list of changed paths.
type files struct {
	Paths    []string
	Complete bool
}

func changed(repository string, of githost.Change) func(context.Context, githost.Host) (any, error) {
	return func(ctx context.Context, host githost.Host) (any, error) {
		paths, complete, err := host.ChangedPaths(ctx, repository, of)
		return files{paths, complete}, err
	}
}

func status(repository string, edits ...func(*githost.Status)) func(context.Context, githost.Host) (any, error) {
	return func(ctx context.Context, host githost.Host) (any, error) {
		status := &githost.Status{State: githost.Success, Context: "kayci/web", Description: "5 of 5 jobs succeeded", URL: "https://ci.example.com/runs/ci/web-1"}
		for _, edit := range edits {
			edit(status)
		}
		return nil, host.SetStatus(ctx, repository, head, status)
	}
}

func state(state githost.State) func(*githost.Status) {
	return func(s *githost.Status) { s.State = state }
}

func withoutPage(s *githost.Status) { s.URL = "" }

func comment(repository string) func(context.Context, githost.Host) (any, error) {
	return func(ctx context.Context, host githost.Host) (any, error) {
		return nil, host.Comment(ctx, repository, 7, "not <b>you</b>")
	}
}

func react(repository string, with githost.Reaction, to event.Remark) func(context.Context, githost.Host) (any, error) {
	return func(ctx context.Context, host githost.Host) (any, error) {
		reactor, can := host.(githost.Reactor)
		if !can {
			return "no reactions", nil
		}
		return nil, reactor.React(ctx, repository, 7, to, with)
	}
}

var (
	onPull   = event.Remark{ID: 501}
	onLine   = event.Remark{ID: 501, Line: true}
	byNumber = githost.Change{PullRequest: 7}
	byCommit = githost.Change{Before: before, After: head}
)

// fork is the pull request of all tables.
func fork(edit func(*event.Event)) *event.Event {
	e := &event.Event{
		Kind: "pull_request", Repository: "acme/web", SHA: head, Ref: "refs/pull/7/head", Title: "Greet", Sender: "anna", URL: "https://git.example.com/7", PathsGap: event.GapPull,
		PullRequest: event.PullRequest{
			Number: 7, Title: "Greet", Author: "anna", Head: "main", Base: "main", HeadRepository: "anna/web", Fork: true, URL: "https://git.example.com/7",
		},
	}
	edit(e)
	return e
}
