package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/test/page"
	"github.com/kayci/kayci/web"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAPIServerFails: a page says what has happened, whatever has, and none is blank.
func TestAPIServerFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	silent := make(chan struct{})
	answers := map[string]http.HandlerFunc{
		"slow":    func(http.ResponseWriter, *http.Request) { <-silent },
		"busy":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"strange": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>a proxy's page</html>")) },
		"expired": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	}
	for name, want := range map[string]struct {
		status int
		text   string
	}{
		"slow":    {http.StatusGatewayTimeout, "The API server is slow"},
		"gone":    {http.StatusBadGateway, "The API server can&#39;t be reached"},
		"busy":    {http.StatusServiceUnavailable, "The API server is busy"},
		"strange": {http.StatusInternalServerError, "Something went wrong"},
		"expired": {http.StatusSeeOther, ""},
	} {
		t.Run(name, func(t *testing.T) {
			api := httptest.NewServer(answers[name])
			if name == "gone" {
				api.Close()
			} else {
				t.Cleanup(api.Close)
			}
			failing := *s
			failing.url = s.serve(t, func(o *web.Options) {
				o.Config, o.Patience = &rest.Config{Host: api.URL}, 200*time.Millisecond
			})
			for _, path := range []string{"/", "/ns/ci", "/ns/ci/runs/web", "/ns/ci/pipelines/web"} {
				got := failing.get(t, "canary", path)
				if got.status != want.status || !strings.Contains(got.body, want.text) {
					t.Errorf("%s: %d, want %d with %q\n%s", path, got.status, want.status, want.text, got.body)
				}
				shows(t, "canary", got.body)
			}
			if name == "slow" {
				close(silent)
			}
		})
	}
	shows(t, "canary", s.log.String())
}

// TestWatchThatDoesNotOpen: a page whose API server takes a watch and says nothing is told
// so.
func TestWatchThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	if server == nil {
		t.Skipf("%s is not set: run `make test-api`, which builds the API server and sets it", assetsVariable)
	}
	through := page.Proxy(t, server)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("watch") {
			<-r.Context().Done()
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	w := newWorld(t, newSite(t, func(o *web.Options) { o.Config, o.Patience = &rest.Config{Host: api.URL}, 500*time.Millisecond }))
	l := w.listen(t, w.user(t, "anna", viewing()...), "/ns/"+w.namespace+"/runs/web-asking/events")
	for {
		got := l.next(t)
		if got.name == "run" {
			continue
		}
		if got.name != "problem" || !strings.Contains(got.data, "has not answered within 500ms") {
			t.Errorf("it ends with %+v", got)
		}
		return
	}
}
