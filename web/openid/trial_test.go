package openid_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/test/oidc"
	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/seal"
)

// trial is the page at a provider that listens.
type trial struct {
	idp   *oidc.Provider
	page  *openid.Provider
	clock *testclock.FakeClock
}

func newTrial(t *testing.T, change ...func(*openid.Options)) *trial {
	t.Helper()
	idp, err := oidc.New("kayci", "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(idp.Close)
	client, err := openid.NewClient(idp.CA())
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New([]byte(strings.Repeat("k", seal.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	at := &trial{idp: idp, clock: testclock.NewFakeClock(time.Now())}
	opts := openid.Options{
		Issuer: idp.URL, ClientID: "kayci", Secret: func() (string, error) { return "s3cret", nil }, Scopes: []string{"email"},
		External: "https://ci.example.com", Client: client, Clock: at.clock, Box: func() (*seal.Box, error) { return box, nil },
	}
	for _, change := range change {
		change(&opts)
	}
	if at.page, err = openid.New(opts); err != nil {
		t.Fatal(err)
	}
	return at
}

// begin returns the provider's address, and the cookies that the browser has then.
func (at *trial) begin(t *testing.T, next string, has ...*http.Cookie) (string, []*http.Cookie, error) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/login/oidc", nil)
	for _, cookie := range has {
		r.AddCookie(cookie)
	}
	address, err := at.page.Begin(w, r, next)
	return address, kept(t, w, has), err
}

// kept are the cookies of a browser after the answer.
func kept(t *testing.T, w *httptest.ResponseRecorder, has []*http.Cookie) []*http.Cookie {
	t.Helper()
	all := map[string]*http.Cookie{}
	for _, cookie := range has {
		all[cookie.Name] = cookie
	}
	for _, cookie := range w.Result().Cookies() {
		if !strings.HasPrefix(cookie.Name, "__Host-") || !cookie.HttpOnly || !cookie.Secure || cookie.Path != "/" || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie isn't kept from others: %v", cookie)
		}
		if len(cookie.String()) > 4096 {
			t.Errorf("the cookie has %d bytes: browsers drop it", len(cookie.String()))
		}
		delete(all, cookie.Name)
		if cookie.MaxAge >= 0 {
			all[cookie.Name] = cookie
		}
	}
	left := make([]*http.Cookie, 0, len(all))
	for _, cookie := range all {
		left = append(left, cookie)
	}
	return left
}

// finish comes back from the provider.
func (at *trial) finish(t *testing.T, ctx context.Context, back *url.URL, has []*http.Cookie) (*openid.SignIn, []*http.Cookie, error) { //nolint:revive // The context is a case's own.
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, back.RequestURI(), nil)
	for _, cookie := range has {
		r.AddCookie(cookie)
	}
	in, err := at.page.Finish(w, r)
	return in, kept(t, w, has), err
}

// visit goes to the provider and back.
func (at *trial) visit(t *testing.T, next string, has ...*http.Cookie) (*url.URL, []*http.Cookie) {
	t.Helper()
	address, cookies, err := at.begin(t, next, has...)
	if err != nil {
		t.Fatal(err)
	}
	back, err := at.idp.Visit(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://ci.example.com/login/oidc/callback?"; !strings.HasPrefix(back.String(), want) {
		t.Fatalf("the provider sends the browser to %s, want %s", back, want)
	}
	return back, cookies
}

// refused fails unless the error is for the viewer, with the text and nothing else.
func (at *trial) refused(t *testing.T, in *openid.SignIn, err error, status int, text string) {
	t.Helper()
	var told *openid.Error
	if in != nil || !errors.As(err, &told) || told.Status != status || !strings.Contains(told.Text, text) {
		t.Fatalf("signed in as %+v, %v, want %d with %q", in, err, status, text)
	}
	for _, secret := range []string{"s3cret", "eyJ"} {
		if strings.Contains(told.Text+err.Error(), secret) {
			t.Errorf("it tells %q: %s: %v", secret, told.Text, err)
		}
	}
	if len(told.Text)+len(err.Error()) > 1000 {
		t.Errorf("it has %d and %d bytes", len(told.Text), len(err.Error()))
	}
}
