package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/viewer"
)

// TestSignIn: a token that the API server takes is kept by the browser alone, and ends.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.user(t, "anna", viewing()...)
	form := s.get(t, "", "/login?next=/ns/ci&why=expired")
	s.golden(t, "login", form.body)

	s.refuseTokens(t)
	asked := s.get(t, "", "/?phase=Failed")
	if want := "/login?next=%2F%3Fphase%3DFailed&why="; asked.status != http.StatusSeeOther || asked.header.Get("Location") != want {
		t.Errorf("who isn't known is led with %d to %s, want %s", asked.status, asked.header.Get("Location"), want)
	}
	in := s.request(t, "", http.MethodPost, "/login", url.Values{"token": {" " + token + "\n"}, "next": {"//evil.example.com"}})
	if in.status != http.StatusSeeOther || in.header.Get("Location") != "/" {
		t.Fatalf("signed in with %d, on to %q\n%s", in.status, in.header.Get("Location"), in.body)
	}
	s.signIn(t, in)
	first := s.get(t, "", "/")
	if first.status != http.StatusOK {
		t.Fatalf("with the cookies: %d\n%s", first.status, first.body)
	}
	s.golden(t, "namespaces-empty", first.body)

	out := s.request(t, "", http.MethodPost, "/logout", nil)
	if cookies := (&http.Response{Header: out.header}).Cookies(); out.status != http.StatusSeeOther || len(cookies) == 0 || cookies[0].MaxAge >= 0 {
		t.Errorf("signed out with %d and %v", out.status, out.header)
	}
	s.clock.Step(25 * time.Hour)
	over := s.get(t, "", "/")
	if want := "/login?next=%2F&why=expired"; over.status != http.StatusSeeOther || over.header.Get("Location") != want {
		t.Errorf("after a day: %d to %s, want %s", over.status, over.header.Get("Location"), want)
	}
	shows(t, token, form.body, first.body, in.header.Get("Location"), strings.Join(in.header.Values("Set-Cookie"), " "), s.log.String())
}

// TestSessionEndsBeforeAnonymous: whose session is over is told so, rather than shown
// less, and may go on without.
func TestSessionEndsBeforeAnonymous(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.user(t, "anna", viewing()...)
	file := writeFile(t, token)
	s.url = s.serve(t, func(o *web.Options) {
		o.Viewers, o.Anonymous = viewer.First{o.Viewers, viewer.Anonymous{File: file}}, true
	})
	s.signIn(t, s.request(t, "", http.MethodPost, "/login", url.Values{"token": {token}}))
	s.clock.Step(25 * time.Hour)
	if got := s.get(t, "", "/ns/"+s.namespace+"/events"); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "Your session is over.") {
		t.Errorf("a stream: %d\n%s", got.status, got.body)
	}
	for _, path := range []string{"/ns/" + s.namespace, "/login?next=/ns/" + s.namespace} {
		over := s.get(t, "", path)
		if cookies := (&http.Response{Header: over.header}).Cookies(); len(cookies) == 0 || cookies[0].MaxAge >= 0 {
			t.Errorf("%s: the browser keeps a session that is over: %v", path, over.header)
		}
		if want := "/login?next=%2Fns%2F" + s.namespace + "&why=expired"; !strings.HasPrefix(path, "/login") && over.header.Get("Location") != want {
			t.Errorf("%s: led to %q, want %q", path, over.header.Get("Location"), want)
		}
	}
	s.cookies = nil
	if got := s.get(t, "", "/login?next=/ns/ci&why=expired"); !strings.Contains(got.body, `<a href="/ns/ci">Go on without signing in</a>`) {
		t.Errorf("there is no way on without signing in:\n%s", got.body)
	}
	if got := s.get(t, "", "/ns/"+s.namespace); got.status != http.StatusOK || !strings.Contains(got.body, "You have not signed in") {
		t.Errorf("without a session: %d\n%s", got.status, got.body)
	}
}

// shows fails if one of the texts has the secret in it.
func shows(t *testing.T, secret string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, secret) {
			t.Errorf("the token is shown: %s", text)
		}
	}
}

func (s *site) refuseTokens(t *testing.T) {
	t.Helper()
	for name, wrong := range map[string]string{"another's": "canary", "blank": " ", "lines": "a\nb", "huge": strings.Repeat("x", viewer.MaxToken+1)} {
		refused := s.request(t, "", http.MethodPost, "/login", url.Values{"token": {wrong}, "next": {"/ns/ci"}})
		if refused.status != http.StatusUnauthorized || len(refused.header.Values("Set-Cookie")) > 0 || strings.Contains(refused.body, "canary") {
			t.Errorf("%s token: %d %v\n%s", name, refused.status, refused.header, refused.body)
		}
	}
}
