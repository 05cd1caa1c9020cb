package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/test/page"
	"github.com/kayci/kayci/web"
)

// asked are the requests that a page makes of the API server.
type asked struct {
	mu   sync.Mutex
	list []string
}

// take returns those since it was called last, in their order by name.
func (a *asked) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := slices.Sorted(slices.Values(a.list))
	a.list = nil
	return list
}

func (a *asked) add(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, what)
}

// counted has a page's requests counted on their way.
func counted(t *testing.T, a *asked) func(*web.Options) {
	t.Helper()
	if server == nil {
		return func(*web.Options) {}
	}
	through := page.Proxy(t, server)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := r.Method + " " + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if r.URL.Query().Has("watch") {
			what = "WATCH" + strings.TrimPrefix(what, "GET")
		}
		a.add(what)
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return func(opts *web.Options) { opts.Config = &rest.Config{Host: proxy.URL} }
}

// TestRequestsOfPages: a page costs as many requests to the API server as it shows kinds
// of objects, however many there are; and a viewer's rights are asked for now and then.
func TestRequestsOfPages(t *testing.T) {
	t.Parallel()
	var a asked
	w := newWorld(t, newSite(t, counted(t, &a)))
	token, list := w.user(t, "anna", viewing()...), "/ns/"+w.namespace
	rights := func(n int) []string { return slices.Repeat([]string{"POST selfsubjectaccessreviews"}, n) }
	run := []string{"GET pods", "GET " + w.failed.Spec.Revision, "GET web-failed"}
	for _, shown := range []struct {
		path         string
		first, again []string
	}{
		{list + "/runs/web-failed", slices.Concat(run, rights(3), []string{"POST selfsubjectreviews"}), run},
		{list, []string{"GET configrepos", "GET pipelines", "GET runs"}, []string{"GET configrepos", "GET pipelines", "GET runs"}},
	} {
		for _, want := range [][]string{shown.first, shown.again} {
			w.get(t, token, shown.path)
			// The revision's name begins in as many ways as there are.
			if diff := cmp.Diff(slices.Sorted(slices.Values(want)), a.take()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", shown.path, diff)
			}
		}
	}
}

// TestRequestsOfTabs: a page that is open while nothing happens costs one watch.
func TestRequestsOfTabs(t *testing.T) {
	t.Parallel()
	var a asked
	w := newWorld(t, newSite(t, counted(t, &a)))
	token := w.user(t, "anna", viewing()...)
	for path, event := range map[string]string{"/events": "runs", "/runs/web-asking/events": "run"} {
		l := w.listen(t, token, "/ns/"+w.namespace+path)
		if got := l.next(t); got.name != event {
			t.Fatalf("%s: first %+v", path, got)
		}
		var first []string
		eventually(t, "the page is watched", func(context.Context) error {
			first = append(first, a.take()...)
			if !slices.ContainsFunc(first, func(what string) bool { return strings.HasPrefix(what, "WATCH ") }) {
				return errors.New("it isn't yet")
			}
			return nil
		})
		for range 3 {
			w.clock.Step(20 * time.Second)
			l.ping(t)
		}
		if got := a.take(); len(got) > 0 {
			t.Errorf("%s: in an idle minute %q", path, got)
		}
		l.stop()
	}
}

// ping waits until the stream has shown that it is there.
func (l *listening) ping(t *testing.T) {
	t.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream has ended: %v", err)
		}
		if line == ": still here\n" {
			return
		}
	}
}
