package githost_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
)

// everyHost are the kinds of hosts.
func everyHost() []v1alpha1.Provider {
	return []v1alpha1.Provider{
		v1alpha1.ProviderGitHub, v1alpha1.ProviderGitLab, v1alpha1.ProviderGitea, v1alpha1.ProviderBitbucket, v1alpha1.ProviderBitbucketServer,
	}
}

// asks are what is asked of a host, each by its first request.
func asks() map[string]func(context.Context, githost.Host) (any, error) {
	const user = "{1f3c4a5e-0000-4000-8000-00000000000a}"
	return map[string]func(context.Context, githost.Host) (any, error){
		"may write": mayWrite("acme/web", user), "pull request": pull("acme/web"), "paths": changed("acme/web", byNumber),
		"status": status("acme/web"), "comment": comment("acme/web"),
	}
}

// TestEveryHostIsRefusedAlike: whatever is asked, and of whichever kind of host, an error
// has the same owner, and the token stands in none.
func TestEveryHostIsRefusedAlike(t *testing.T) {
	t.Parallel()
	const repeats = `{"message":"no such token: ` + canary + `","error":{"message":"` + canary + `"}}`
	for name, tt := range map[string]struct {
		code   int
		header map[string]string
		body   string
		want   owned
	}{
		"a revoked token":             {401, nil, repeats, owned{Reason: "AuthenticationFailed"}},
		"a token without a right":     {403, nil, repeats, owned{Reason: "Forbidden"}},
		"too often, for a while":      {429, map[string]string{"Retry-After": "30"}, repeats, owned{Reason: "RateLimited", After: 30 * time.Second}},
		"too often, for however long": {429, nil, repeats, owned{Reason: "RateLimited", After: time.Minute}},
		"broken":                      {500, nil, repeats, owned{}},
		"a proxy's page":              {502, nil, "<html>" + canary, owned{}},
		"gone":                        {410, nil, repeats, owned{Reason: "NotFound"}},
		"a page":                      {200, nil, "<html>" + canary, owned{Reason: "InvalidURL"}},
		"far too much":                {200, nil, strings.Repeat("x", 1<<20+1), owned{Reason: "Refused"}},
	} {
		for _, provider := range everyHost() {
			for what, ask := range asks() {
				// Of many paths some are known.
				if what == "paths" && name == "far too much" {
					continue
				}
				server := &answerer{t: t, left: []exchange{{code: tt.code, header: tt.header, answer: tt.body}}}
				_, err := ask(t.Context(), open(t, provider, serve(t, server)+path(provider)))
				got := ownerOf(err)
				if err == nil || strings.Contains(got.Text, canary) || got.Reason != tt.want.Reason || got.After != tt.want.After {
					t.Errorf("%s, %s of %s: got %+v, want %+v", name, what, provider, got, tt.want)
				}
				if len(server.asked) != 1 {
					t.Errorf("%s, %s of %s: asked %q", name, what, provider, server.asked)
				}
			}
		}
	}
}

// TestNothingThere: a host that knows no such repository is a person's to correct.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	for _, provider := range everyHost() {
		for what, ask := range asks() {
			server := &answerer{t: t, left: []exchange{{code: 404, answer: `{"message":"Not Found"}`}}}
			_, err := ask(t.Context(), open(t, provider, serve(t, server)+path(provider)))
			if got := ownerOf(err); got.Reason != "NotFound" {
				t.Errorf("%s of %s: %+v", what, provider, got)
			}
		}
	}
}

// TestNoAnswer: a host that closes the connection is the world's, and one that answers
// with nothing where something is needed has another API at its address.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	hangUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, provider := range everyHost() {
		for what, ask := range asks() {
			_, err := ask(t.Context(), open(t, provider, serve(t, hangUp)+path(provider)))
			if got := ownerOf(err); err == nil || got.Reason != "" || strings.Contains(got.Text, canary) {
				t.Errorf("%s of %s that hangs up: %+v", what, provider, got)
			}
			if what == "status" || what == "comment" {
				continue
			}
			server := &answerer{t: t, left: []exchange{{}}}
			_, err = ask(t.Context(), open(t, provider, serve(t, server)+path(provider)))
			if got := ownerOf(err); got.Reason != "InvalidURL" {
				t.Errorf("%s of %s that says nothing: %+v", what, provider, got)
			}
		}
	}
}

// TestNoTokenFollows: of no host, and whatever is asked, does the token get to another one.
func TestNoTokenFollows(t *testing.T) {
	t.Parallel()
	other := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host is asked %s with %q", r.URL, r.Header.Get("Authorization"))
	}))
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, provider := range everyHost() {
			for what, ask := range asks() {
				server := &answerer{t: t, left: []exchange{{code: code, header: map[string]string{"Location": other + "/api"}}}}
				_, err := ask(t.Context(), open(t, provider, serve(t, server)+path(provider)))
				if got := ownerOf(err); got.Reason != "InvalidURL" || strings.Contains(got.Text, canary) {
					t.Errorf("%d, %s of %s: %+v", code, what, provider, got)
				}
			}
		}
	}
}
