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
