package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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
	withCookies := func(r *http.Request) {
		for _, cookie := range (&http.Response{Header: in.header}).Cookies() {
			r.AddCookie(cookie)
		}
	}
	first := s.request(t, "", http.MethodGet, "/", nil, withCookies)
	if first.status != http.StatusOK {
		t.Fatalf("with the cookies: %d\n%s", first.status, first.body)
	}
	s.golden(t, "namespaces-empty", first.body)

	out := s.request(t, "", http.MethodPost, "/logout", nil, withCookies)
	if cookies := (&http.Response{Header: out.header}).Cookies(); out.status != http.StatusSeeOther || len(cookies) == 0 || cookies[0].MaxAge >= 0 {
		t.Errorf("signed out with %d and %v", out.status, out.header)
	}
	s.clock.Step(25 * time.Hour)
	over := s.request(t, "", http.MethodGet, "/", nil, withCookies)
	if want := "/login?next=%2F&why=expired"; over.status != http.StatusSeeOther || over.header.Get("Location") != want {
		t.Errorf("after a day: %d to %s, want %s", over.status, over.header.Get("Location"), want)
	}
	shows(t, token, form.body, first.body, in.header.Get("Location"), strings.Join(in.header.Values("Set-Cookie"), " "), s.log.String())
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
