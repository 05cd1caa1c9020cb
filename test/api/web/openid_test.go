package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kayci/kayci/test/oidc"
	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/openid"
)

// The name of the page at the provider, its secret there, and where viewers reach it.
const (
	clientID     = "kayci"
	clientSecret = "s3cret"
	external     = "https://ci.example.com"
)

// byProvider has viewers sign in by a provider, and not with a token.
func byProvider(t *testing.T, p *oidc.Provider) func(*web.Options) {
	t.Helper()
	client, err := openid.NewClient(p.CA())
	if err != nil {
		t.Fatal(err)
	}
	return func(o *web.Options) {
		o.TokenSignIn = false
		o.OpenID, err = openid.New(openid.Options{
			Issuer: p.URL, ClientID: clientID, Secret: func() (string, error) { return clientSecret, nil }, Scopes: []string{"email"},
			External: external, Client: client, Box: o.Sessions.Box, Clock: o.Clock,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// goSignIn goes by way of the provider, and returns what the page says in the end.
func (s *site) goSignIn(t *testing.T, p *oidc.Provider, next string) answer {
	t.Helper()
	begun := s.get(t, "", "/login/oidc?"+url.Values{"next": {next}}.Encode())
	back, err := p.Visit(t.Context(), begun.header.Get("Location"))
	if err != nil {
		t.Fatalf("%v: %d\n%s", err, begun.status, begun.body)
	}
	s.signIn(t, begun)
	return s.get(t, "", back.RequestURI())
}

// mayView lets the API server's user of that name look at the namespace.
func (s *site) mayView(t *testing.T, user string) {
	t.Helper()
	meta := s.meta("viewers")
	s.create(t, &rbacv1.Role{ObjectMeta: meta, Rules: viewing()}, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
	})
	s.awaitUser(t, user)
}

// TestSignInByProvider: the API server takes the ID token of a provider that it trusts.
func TestSignInByProvider(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.url = s.serve(t, byProvider(t, provider))
	s.mayView(t, "pass@example.com")
	s.golden(t, "login-oidc", strings.ReplaceAll(s.get(t, "", "/login?next=/ns/ci").body, strings.TrimPrefix(provider.URL, "https://"), "issuer.example.com"))
	if got := s.request(t, "", http.MethodPost, "/login", url.Values{"token": {"x"}}); got.status != http.StatusNotFound {
		t.Errorf("a token is asked for: %d", got.status)
	}

	path := "/ns/" + s.namespace + "?phase=Failed"
	in := s.goSignIn(t, provider, path)
	if in.status != http.StatusSeeOther || in.header.Get("Location") != path {
		t.Fatalf("signed in with %d, on to %q\n%s", in.status, in.header.Get("Location"), in.body)
	}
	token, err := provider.IDToken("")
	if err != nil {
		t.Fatal(err)
	}
	shows(t, strings.Split(token, ".")[0], strings.Join(in.header.Values("Set-Cookie"), " "), in.header.Get("Location"), in.body)
	s.signIn(t, in)
	if got := s.get(t, "", path); got.status != http.StatusOK || !strings.Contains(got.body, "<span>pass@example.com</span>") {
		t.Errorf("signed in: %d\n%s", got.status, got.body)
	}
	out := s.request(t, "", http.MethodPost, "/logout", nil)
	if got := s.get(t, "", out.header.Get("Location")); !strings.Contains(got.body, "you are signed in still") {
		t.Errorf("signed out, on to %s:\n%s", out.header.Get("Location"), got.body)
	}
	// Whose session is over goes by the provider at once, who never had one is asked.
	s.clock.Step(25 * time.Hour)
	if got := s.get(t, "", path); got.header.Get("Location") != "/login/oidc?"+(url.Values{"next": {path}}).Encode() {
		t.Errorf("a session that is over is led to %q", got.header.Get("Location"))
	}
	s.cookies = nil
	if got := s.get(t, "", path); !strings.HasPrefix(got.header.Get("Location"), "/login?") {
		t.Errorf("a stranger is led to %q", got.header.Get("Location"))
	}
	shows(t, "eyJ", s.log.String())
	shows(t, clientSecret, s.log.String())
}

// TestNextIsLocal: signing in leads nowhere else.
func TestNextIsLocal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.url = s.serve(t, byProvider(t, provider))
	for _, next := range []string{
		"//evil.example.com", `/\evil.example.com`, "https://evil.example.com", "https:evil.example.com", "javascript:alert(1)", "evil",
		"/\t/evil.example.com", "/login", "/login/oidc?next=/login/oidc", "",
	} {
		in := s.goSignIn(t, provider, next)
		if in.status != http.StatusSeeOther || in.header.Get("Location") != "/" {
			t.Errorf("%q leads with %d to %q", next, in.status, in.header.Get("Location"))
		}
		if got := s.get(t, "", "/login?"+url.Values{"next": {next}}.Encode()); !strings.Contains(got.body, `href="/login/oidc?next=%2F"`) {
			t.Errorf("%q: the form leads elsewhere:\n%s", next, got.body)
		}
		s.cookies = nil
	}
}

// TestProviderFails: the page says so, in words and nobody else's, and is ready.
func TestProviderFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, err := oidc.New(clientID, clientSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	s.url = s.serve(t, byProvider(t, p))
	p.Answer(oidc.Discovery, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("<h1>canary</h1>"))
	})
	down := s.get(t, "", "/login/oidc")
	if down.status != http.StatusBadGateway || !strings.Contains(down.body, "answer as an OpenID Connect provider") || len(down.header.Values("Set-Cookie")) > 0 {
		t.Errorf("a provider that is down: %d %v\n%s", down.status, down.header, down.body)
	}
	shows(t, "canary", down.body)
	if got := s.get(t, "", "/healthz"); got.status != http.StatusOK {
		t.Errorf("not ready: %d", got.status)
	}
	if !strings.Contains(s.log.String(), "a viewer could not be signed in") {
		t.Errorf("the log doesn't say so:\n%s", s.log.String())
	}

	p.Answer(oidc.Discovery, nil)
	untrusted := s.goSignIn(t, p, "/")
	if untrusted.status != http.StatusUnauthorized || !strings.Contains(untrusted.body, "take the tokens of "+p.Listener.Addr().String()) {
		t.Errorf("a provider that the API server doesn't trust: %d\n%s", untrusted.status, untrusted.body)
	}
	begun := s.get(t, "", "/login/oidc")
	s.signIn(t, begun)
	address, err := url.Parse(begun.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	refused := s.get(t, "", openid.CallbackPath+"?"+url.Values{"state": {address.Query().Get("state")}, "error": {"access_denied"}, "error_description": {"<script>alert(1)</script>"}}.Encode())
	if refused.status != http.StatusForbidden || !strings.Contains(refused.body, "access_denied: &lt;script&gt;") {
		t.Errorf("refused by the provider: %d\n%s", refused.status, refused.body)
	}
	s.cookies = nil
	if got := s.get(t, "", openid.CallbackPath+"?code=x&state=y"); got.status != http.StatusBadRequest || !strings.Contains(got.body, "Begin again, at "+external) {
		t.Errorf("who wasn't sent: %d\n%s", got.status, got.body)
	}
}
