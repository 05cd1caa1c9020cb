package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/web"
)

// TestLocal: a person's own page answers the browser that was let in, by the loopback's
// names, and asks the API server as the kubeconfig says.
func TestLocal(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		http.Error(w, "{}", http.StatusForbidden)
	}))
	defer api.Close()
	ctx, cancel := context.WithCancel(t.Context())
	page, err := web.Listen(ctx, &rest.Config{Host: api.URL, BearerToken: "canary"}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- page.Serve(ctx) }()
	address := page.Address("/help")
	base, _, _ := strings.Cut(address, "/enter")
	in := ask(t, base+"/", "", nil)
	for _, tt := range []struct {
		what, address, host string
		status              int
		text                string
	}{
		{"another browser", base + "/", "", http.StatusForbidden, "kayci ui"},
		{"another name", address, "evil.example.com", http.StatusForbidden, "kayci ui"},
		{"the code", address, "", http.StatusSeeOther, "/help"},
		{"the browser that was let in", base + "/ns/ci", "", http.StatusForbidden, "You may not"},
		{"its cookie at another name", base + "/ns/ci", "evil.example.com", http.StatusForbidden, "kayci ui"},
	} {
		got := ask(t, tt.address, tt.host, in.cookies)
		if got.status != tt.status || !strings.Contains(got.body, tt.text) || strings.Contains(got.body, "canary") {
			t.Errorf("%s: %d %s", tt.what, got.status, got.body)
		}
		if len(got.cookies) > 0 {
			in = got
		}
	}
	if got := <-asked; got != "Bearer canary" {
		t.Errorf("the API server was asked as %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

type answered struct {
	status  int
	body    string
	cookies []*http.Cookie
}

// ask sends a request to an address as to another host, if one is given.
func ask(t *testing.T, address, host string, cookies []*http.Cookie) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{response.StatusCode, string(body), response.Cookies()}
}
