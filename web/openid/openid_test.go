package openid_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/kayci/kayci/test/oidc"
	"github.com/kayci/kayci/web/openid"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	at := newTrial(t)
	back, cookies := at.visit(t, "/ns/ci?phase=Failed")
	other, cookies := at.visit(t, "/ns/other", cookies...)
	for _, secret := range []string{"s3cret", back.Query().Get("code")} {
		for _, cookie := range cookies {
			if strings.Contains(cookie.Value, secret) {
				t.Errorf("the cookie shows %q", secret)
			}
		}
	}
	in, cookies, err := at.finish(t, t.Context(), back, cookies)
	if err != nil || in.Next != "/ns/ci?phase=Failed" || strings.Count(in.Token, ".") != 2 {
		t.Fatalf("signed in as %+v, %v", in, err)
	}
	// The other tab's sign-in counts still, and each of them once.
	if _, _, err := at.finish(t, t.Context(), back, cookies); err == nil {
		t.Error("a sign-in counts twice")
	}
	if in, cookies, err = at.finish(t, t.Context(), other, cookies); err != nil || in.Next != "/ns/other" {
		t.Errorf("another tab is signed in as %+v, %v", in, err)
	}
	if len(cookies) > 0 || at.idp.Asked(oidc.Discovery) != 1 || at.idp.Asked(oidc.Keys) != 1 {
		t.Errorf("%d cookies are left, and the provider was asked %d and %d times", len(cookies), at.idp.Asked(oidc.Discovery), at.idp.Asked(oidc.Keys))
	}
}

// TestPublicClient: who has no secret proves by PKCE alone that it is the one who asked.
func TestPublicClient(t *testing.T) {
	t.Parallel()
	at := newTrial(t, func(o *openid.Options) { o.Secret = nil })
	at.idp.Secret = ""
	back, cookies := at.visit(t, "/")
	if _, _, err := at.finish(t, t.Context(), back, cookies); err != nil {
		t.Error(err)
	}
}

// TestManyTabs: what isn't finished is forgotten, so that the browser's requests don't
// grow without end.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	at := newTrial(t)
	var cookies []*http.Cookie
	for range 40 {
		_, cookies, _ = at.begin(t, "/"+strings.Repeat("x", 1400), cookies...)
		if len(cookies) > 8 {
			t.Fatalf("the browser has %d cookies", len(cookies))
		}
	}
}

func claims(name string, value any) func(*trial) {
	return func(at *trial) { at.idp.As(oidc.Claims{name: value}) }
}

func signed(sign func(at *trial, payload []byte) (string, error)) func(*trial) {
	return func(at *trial) {
		at.idp.SignBy(func(payload []byte) (string, error) { return sign(at, payload) })
	}
}

// TestBadTokens: whoever the provider doesn't vouch for isn't signed in.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*trial){
		"another issuer":   claims("iss", "https://evil.example.com"),
		"no issuer":        claims("iss", nil),
		"another audience": claims("aud", "another"),
		"no audience":      claims("aud", nil),
		"another nonce":    claims("nonce", "another"),
		"no nonce":         claims("nonce", nil),
		"expired":          claims("exp", time.Now().Add(-time.Minute).Unix()),
		"no end":           claims("exp", nil),
		"not yet":          claims("nbf", time.Now().Add(time.Hour).Unix()),
		"strange claims":   claims("aud", map[string]any{"a": 1}),
		"unsigned": signed(func(_ *trial, payload []byte) (string, error) {
			return encode([]byte(`{"alg":"none","kid":"one"}`)) + "." + encode(payload) + ".", nil
		}),
		"by the public key": signed(func(at *trial, payload []byte) (string, error) {
			public, err := x509.MarshalPKIXPublicKey(at.idp.Key.Public())
			if err != nil {
				return "", err
			}
			return oidc.SignWith(jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), payload)
		}),
		"by another key": signed(func(_ *trial, payload []byte) (string, error) {
			other, err := oidc.New("kayci", "")
			if err != nil {
				return "", err
			}
			defer other.Close()
			return other.Sign(payload)
		}),
		"no token": signed(func(*trial, []byte) (string, error) { return "<script>", nil }),
		"changed": signed(func(at *trial, payload []byte) (string, error) {
			token, err := at.idp.Sign(payload)
			parts := strings.Split(token, ".")
			parts[1] = encode([]byte(strings.Replace(string(payload), "anna", "root", 1)))
			return strings.Join(parts, "."), err
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := newTrial(t)
			prepare(at)
			back, cookies := at.visit(t, "/")
			in, cookies, err := at.finish(t, t.Context(), back, cookies)
			at.refused(t, in, err, http.StatusBadGateway, "has given a token that doesn't count")
			if len(cookies) > 0 {
				t.Error("the sign-in counts still")
			}
		})
	}
}

// TestBadCallbacks: who comes back otherwise than sent isn't signed in.
func TestBadCallbacks(t *testing.T) {
	t.Parallel()
	const elsewhere = "begun in another browser"
	for name, tt := range map[string]struct {
		query  func(url.Values)
		change func(*trial, []*http.Cookie) []*http.Cookie
		status int
		text   string
	}{
		"no cookie":       {nil, func(*trial, []*http.Cookie) []*http.Cookie { return nil }, http.StatusBadRequest, elsewhere},
		"another state":   {func(q url.Values) { q.Set("state", "another") }, nil, http.StatusBadRequest, elsewhere},
		"no state":        {func(q url.Values) { q.Del("state") }, nil, http.StatusBadRequest, elsewhere},
		"made up cookie":  {nil, func(_ *trial, all []*http.Cookie) []*http.Cookie { all[0].Value = "abc"; return all }, http.StatusBadRequest, elsewhere},
		"too late":        {nil, func(at *trial, all []*http.Cookie) []*http.Cookie { at.clock.Step(11 * time.Minute); return all }, http.StatusBadRequest, elsewhere},
		"another's code":  {func(q url.Values) { q.Set("code", "another") }, nil, http.StatusBadGateway, "has given no token"},
		"no code":         {func(q url.Values) { q.Del("code") }, nil, http.StatusBadGateway, "has given no token"},
		"another's issue": {func(q url.Values) { q.Set("iss", "https://evil.example.com") }, nil, http.StatusBadGateway, "doesn't count"},
		"refused": {func(q url.Values) {
			q.Set("error", "access_denied")
			q.Set("error_description", "<b>no\x1b[1m\u202e"+strings.Repeat("!", 9999))
		}, nil, http.StatusForbidden, `doesn't sign you in: access_denied: <b>no\x1b[1m\u202e!!!`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := newTrial(t)
			back, cookies := at.visit(t, "/")
			if tt.query != nil {
				query := back.Query()
				tt.query(query)
				back.RawQuery = query.Encode()
			}
			if tt.change != nil {
				cookies = tt.change(at, cookies)
			}
			in, _, err := at.finish(t, t.Context(), back, cookies)
			at.refused(t, in, err, tt.status, tt.text)
		})
	}
}

// TestReplay: a code counts once, also for who has kept the cookie.
func TestReplay(t *testing.T) {
	t.Parallel()
	at := newTrial(t)
	back, cookies := at.visit(t, "/")
	if _, _, err := at.finish(t, t.Context(), back, cookies); err != nil {
		t.Fatal(err)
	}
	in, _, err := at.finish(t, t.Context(), back, cookies)
	at.refused(t, in, err, http.StatusBadGateway, "has given no token")
}

func TestProviderFails(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"down": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow": func(http.ResponseWriter, *http.Request) {},
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 2<<20) + "{}"))
		},
		"html": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, secret, _ := r.BasicAuth()
			_, _ = w.Write([]byte("<script>" + secret + strings.Repeat("!", 999) + "</script>"))
		},
		"moved": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"empty": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		},
	} {
		for _, path := range []string{oidc.Discovery, oidc.Keys, oidc.Token} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				at, answer := newTrial(t), answer
				ctx, cancel := context.WithCancel(t.Context())
				if name == "slow" {
					hanging := make(chan struct{})
					t.Cleanup(func() { close(hanging) })
					answer = func(http.ResponseWriter, *http.Request) { <-hanging }
					// The viewer doesn't wait for as long as a provider may take.
					ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
				}
				defer cancel()
				if path == oidc.Discovery {
					at.idp.Answer(path, answer)
					_, err := at.page.Begin(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/login/oidc", nil), "/")
					at.refused(t, nil, err, http.StatusBadGateway, "doesn't answer as an OpenID Connect provider")
					if name == "down" {
						at.idp.Answer(path, nil)
						at.visit(t, "/")
					}
					return
				}
				back, cookies := at.visit(t, "/")
				at.idp.Answer(path, answer)
				in, _, err := at.finish(t, ctx, back, cookies)
				at.refused(t, in, err, http.StatusBadGateway, "has given")
			})
		}
	}
}

// TestEndpointsAreSecure: what is secret is sent by TLS alone.
func TestEndpointsAreSecure(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		at := newTrial(t)
		at.idp.Answer(oidc.Discovery, func(w http.ResponseWriter, _ *http.Request) {
			said := map[string]any{"issuer": at.idp.URL}
			for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
				said[name] = at.idp.URL
			}
			said[field] = "http://issuer.example.com/"
			_ = json.NewEncoder(w).Encode(said)
		})
		_, _, err := at.begin(t, "/")
		at.refused(t, nil, err, http.StatusBadGateway, "doesn't answer")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ issuer, external, client, want string }{
		"good":                 {"https://issuer.example.com/realms/a", "https://ci.example.com/", "kayci", ""},
		"this machine":         {"https://issuer.example.com", "http://localhost:8090", "kayci", ""},
		"plain issuer":         {"http://issuer.example.com", "https://ci.example.com", "kayci", "the issuer"},
		"no issuer":            {"", "https://ci.example.com", "kayci", "the issuer"},
		"plain address":        {"https://issuer.example.com", "http://ci.example.com", "kayci", "isn't of https"},
		"no address":           {"https://issuer.example.com", "ci.example.com", "kayci", "the external address"},
		"a path":               {"https://issuer.example.com", "https://ci.example.com/ci", "kayci", "the external address"},
		"nobody at the issuer": {"https://issuer.example.com", "https://ci.example.com", "", "the client's ID"},
	} {
		p, err := openid.New(openid.Options{Issuer: tt.issuer, External: tt.external, ClientID: tt.client})
		if tt.want == "" && (err != nil || p.Host() != "issuer.example.com") {
			t.Errorf("%s: %v", name, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := openid.NewClient([]byte("no certificate")); err == nil {
		t.Error("what is no certificate is trusted")
	}
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
