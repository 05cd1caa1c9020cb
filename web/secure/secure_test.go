package secure_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/web/secure"
)

func answer(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	secure.Headers(answer(http.StatusTeapot)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	want := http.Header{
		"Content-Security-Policy": {"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types kayci"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Referrer-Policy":              {"same-origin"},
		"X-Content-Type-Options":       {"nosniff"},
	}
	if diff := cmp.Diff(want, w.Header()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// TestForeign: what has a sandbox has no opener policy, with which browsers refuse it.
func TestForeign(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mark   func(http.ResponseWriter)
		policy string
	}{
		"saved": {secure.Foreign, "default-src 'none'; sandbox; frame-ancestors 'none'"},
		"shown": {secure.ForeignPage, "style-src 'unsafe-inline'; img-src data:; default-src 'none'; sandbox; frame-ancestors 'none'"},
	} {
		w := httptest.NewRecorder()
		marked := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.mark(w) })
		secure.Headers(marked).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		want := http.Header{
			"Content-Security-Policy":      {tt.policy},
			"Cross-Origin-Resource-Policy": {"same-origin"},
			"Referrer-Policy":              {"same-origin"},
			"X-Content-Type-Options":       {"nosniff"},
		}
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", name, diff)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method string
		header map[string]string
		want   int
	}{
		"another site's form":      {http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		"a sister host's form":     {http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		"an old browser's":         {http.MethodPost, map[string]string{"Origin": "https://evil.example.com"}, http.StatusForbidden},
		"the page's own form":      {http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusTeapot},
		"curl":                     {http.MethodPost, nil, http.StatusTeapot},
		"another site's link":      {http.MethodGet, map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusTeapot},
		"the page's own in an old": {http.MethodPost, map[string]string{"Origin": "http://example.com"}, http.StatusTeapot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), tt.method, "http://example.com/logout", nil)
			for key, value := range tt.header {
				r.Header.Set(key, value)
			}
			w := httptest.NewRecorder()
			secure.SameOrigin(answer(http.StatusTeapot), answer(http.StatusForbidden)).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("answered with %d, want %d", w.Code, tt.want)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"127.0.0.1:4000":        http.StatusTeapot,
		"localhost:4000":        http.StatusTeapot,
		"[::1]:4000":            http.StatusTeapot,
		"127.0.0.1:4001":        http.StatusForbidden,
		"127.0.0.1":             http.StatusForbidden,
		"evil.example.com:4000": http.StatusForbidden,
		"evil.example.com":      http.StatusForbidden,
		"":                      http.StatusForbidden,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		secure.Loopback(4000, answer(http.StatusTeapot), answer(http.StatusForbidden)).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: answered with %d, want %d", host, w.Code, want)
		}
	}
	// Browsers leave out the port of http.
	for host, want := range map[string]int{"127.0.0.1": http.StatusTeapot, "[::1]": http.StatusTeapot, "localhost:80": http.StatusTeapot, "evil.example.com": http.StatusForbidden, "": http.StatusForbidden} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		secure.Loopback(80, answer(http.StatusTeapot), answer(http.StatusForbidden)).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q at port 80: answered with %d, want %d", host, w.Code, want)
		}
	}
}

// TestGate: the code lets in one browser, once.
func TestGate(t *testing.T) {
	t.Parallel()
	gate := secure.NewGate(4000, answer(http.StatusForbidden))
	page := gate.Wrap(answer(http.StatusTeapot))
	get := func(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		for _, cookie := range cookies {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w
	}
	code := gate.Code()
	for _, path := range []string{"/", "/enter", "/enter?code=", "/enter?code=wrong"} {
		if got := get(path).Code; got != http.StatusForbidden {
			t.Errorf("%s without the code: %d", path, got)
		}
	}
	entered := get("/enter?code=" + code + "&next=/ns/ci")
	if entered.Code != http.StatusSeeOther || entered.Header().Get("Location") != "/ns/ci" {
		t.Fatalf("the code: %d, on to %q", entered.Code, entered.Header().Get("Location"))
	}
	result := entered.Result()
	defer result.Body.Close()
	cookies := result.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		t.Fatalf("the cookies are %v", cookies)
	}
	if got := get("/", cookies[0]).Code; got != http.StatusTeapot {
		t.Errorf("with the cookie: %d", got)
	}
	if got := get("/", &http.Cookie{Name: cookies[0].Name, Value: "x"}).Code; got != http.StatusForbidden {
		t.Errorf("with another cookie: %d", got)
	}
	if got := get("/enter?code=" + code).Code; got != http.StatusForbidden {
		t.Errorf("the code again: %d", got)
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"":                          "/",
		"/ns/ci/runs/web-1?a=b#L10": "/ns/ci/runs/web-1?a=b#L10",
		"//evil.example.com":        "/",
		"/\\evil.example.com":       "/",
		"/\tevil":                   "/",
		"https://evil.example.com/": "/",
		"javascript:alert(1)":       "/",
		"ns/ci":                     "/",
		"/%zz":                      "/",
	} {
		if got := secure.Path(next); got != want {
			t.Errorf("Path(%q) is %q, want %q", next, got, want)
		}
	}
}
