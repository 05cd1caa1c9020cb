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

	"github.com/kayci/kayci/test/oidc"
	"github.com/kayci/kayci/test/page"
	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/viewer"
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

// TestOwnTokenFails: a token of the page's own that fails is told as the page's fault, with
// what is to be looked at, and ends nobody's session.
func TestOwnTokenFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, err := oidc.New(clientID, clientSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	user := "anna@" + s.namespace + ".example.com"
	p.As(oidc.Claims{"email": user, "email_verified": true})
	s.mayView(t, user)
	file := writeFile(t, s.actor(t, "page", acting(t)))
	s.url = s.serve(t, byPerson(t, p, ""), func(o *web.Options) { o.OwnToken = viewer.TokenFile(file) })
	s.signIn(t, s.goSignIn(t, p, "/"))
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ns := "/ns/" + s.namespace
	for name, broken := range map[string]string{"refused": "canary", "blank": ""} {
		if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", ns, ns + "/runs/web/jobs/test/log", ns + "/events"} {
			got := s.get(t, "", path)
			if got.status != http.StatusBadGateway || !strings.Contains(got.body, "--oidc-impersonate-token-file") || len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s: %s: %d %v\n%s", name, path, got.status, got.header, got.body)
			}
			shows(t, "canary", got.body)
		}
		session := s.cookies
		// Who somebody is was asked a moment ago.
		s.clock.Step(time.Minute)
		if got := s.goSignIn(t, p, "/"); got.status != http.StatusBadGateway || !strings.Contains(got.body, "--oidc-impersonate-token-file") {
			t.Errorf("%s: signed in with %d\n%s", name, got.status, got.body)
		}
		s.cookies = session
		if err := os.WriteFile(file, token, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := s.get(t, "", ns); got.status != http.StatusOK {
			t.Errorf("%s, and mended: %d\n%s", name, got.status, got.body)
		}
	}
	if !strings.Contains(s.log.String(), "the token of the page's own account: the API server doesn't take it") {
		t.Errorf("the log doesn't say so:\n%s", s.log.String())
	}
	shows(t, "canary", s.log.String())
}

// TestAnonymousTokenFails: nor does the viewer who hasn't signed in hear of a token of his.
func TestAnonymousTokenFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, file := range map[string]string{"refused": writeFile(t, "canary"), "missing": filepath.Join(t.TempDir(), "none")} {
		s.url = s.serve(t, func(o *web.Options) {
			o.Viewers, o.Anonymous = viewer.First{o.Viewers, viewer.Anonymous{File: file}}, true
		})
		got := s.get(t, "", "/ns/"+s.namespace)
		if got.status != http.StatusBadGateway || !strings.Contains(got.body, "--anonymous-token-file") || !strings.Contains(got.body, `<a href="/login">Sign in</a>`) {
			t.Errorf("%s: %d %v\n%s", name, got.status, got.header, got.body)
		}
		shows(t, "canary", got.body)
	}
	shows(t, "canary", s.log.String())
}
