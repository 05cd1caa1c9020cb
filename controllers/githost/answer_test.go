package githost_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// owned is who ends an error, and what it says.
type owned struct {
	// Reason, and After where it ends by itself. Both blank: the world's.
	Reason string
	After  time.Duration
	Text   string
}

var port = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

func ownerOf(err error) owned {
	f, w := fault.Of(err)
	text := port.ReplaceAllString(fmt.Sprint(err), "git.example.com")
	switch {
	case f != nil:
		return owned{f.Reason, 0, text}
	case w != nil:
		return owned{w.Reason, w.After, text}
	}
	return owned{"", 0, text}
}

// TestAnswers: whatever a host answers, the error says who ends it, in the host's
// words, and never with the token.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const asked = "POST git.example.com/repos/acme/web/statuses/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	reset := map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(noon.Add(90 * time.Second).Unix())}
	world := func(text string) owned { return owned{Text: asked + text} }
	person := func(reason, text string) owned { return owned{Reason: reason, Text: reason + ": " + asked + text} }
	limited := func(code int, after time.Duration, text string) owned {
		return owned{"RateLimited", after, fmt.Sprintf("RateLimited: %s is answered with %d%s; the host takes more requests in %s", asked, code, text, printable.Duration(after))}
	}
	for name, tt := range map[string]struct {
		code   int
		header map[string]string
		body   string
		want   owned
	}{
		"a token that isn't known":     {401, nil, `{"message":"Bad credentials","documentation_url":"https://docs.example.com"}`, person("AuthenticationFailed", " is answered with 401: Bad credentials; the token isn't known or is no longer valid: put another into the Secret")},
		"a token without a right":      {403, nil, `{"message":"Resource not accessible by personal access token"}`, person("Forbidden", " is answered with 403: Resource not accessible by personal access token; the token lacks a permission: docs/reporting.md says which it takes")},
		"nothing there":                {404, nil, `{"message":"Not Found"}`, person("NotFound", " is answered with 404: Not Found; there is no such thing, or the token may not see it")},
		"a commit that isn't":          {422, nil, `{"message":"No commit found for SHA","errors":["x"]}`, person("Refused", " is answered with 422: No commit found for SHA; it will not be asked again for this")},
		"errors in a list":             {422, nil, `{"errors":[{"message":"one"},{"message":"two"}]}`, person("Refused", " is answered with 422: one; two; it will not be asked again for this")},
		"an error in an object":        {400, nil, `{"error":{"message":"Bad request"}}`, person("Refused", " is answered with 400: Bad request; it will not be asked again for this")},
		"a message of fields":          {400, nil, `{"message":{"name":["is too long"]}}`, person("Refused", ` is answered with 400: {"name":["is too long"]}; it will not be asked again for this`)},
		"too often":                    {429, map[string]string{"Retry-After": "30"}, `{"message":"slow down"}`, limited(429, 30*time.Second, ": slow down")},
		"too often, until a date":      {429, map[string]string{"Retry-After": noon.Add(40 * time.Second).Format(http.TimeFormat)}, "", limited(429, 40*time.Second, "")},
		"too often, for however long":  {429, nil, "", limited(429, time.Minute, "")},
		"too often, until its clock":   {403, reset, `{"message":"API rate limit exceeded"}`, limited(403, 90*time.Second, ": API rate limit exceeded")},
		"too often, secondly":          {403, nil, `{"message":"You have exceeded a secondary rate limit"}`, limited(403, time.Minute, ": You have exceeded a secondary rate limit")},
		"too often, for a day":         {429, map[string]string{"Retry-After": "86400"}, "", owned{"RateLimited", time.Hour, "RateLimited: " + asked + " is answered with 429; the host takes more requests in 1h"}},
		"too often, until before":      {429, map[string]string{"Retry-After": "-5"}, "", owned{"RateLimited", time.Second, "RateLimited: " + asked + " is answered with 429; the host takes more requests in 1s"}},
		"down for a while":             {503, map[string]string{"Retry-After": "30"}, "", limited(503, 30*time.Second, "")},
		"broken":                       {500, nil, `{"message":"Server Error"}`, world(" is answered with 500: Server Error")},
		"a page of a proxy":            {502, nil, "<html><h1>Bad Gateway</h1></html>", world(" is answered with 502")},
		"a page":                       {200, nil, "<!DOCTYPE html><title>Sign in</title>", person("InvalidURL", " is answered with a page: is this the address of the host's API?")},
		"the token, echoed":            {401, nil, `{"message":"no such token: Bearer ` + canary + `"}`, person("AuthenticationFailed", " is answered with 401: (withheld: it repeats a credential); the token isn't known or is no longer valid: put another into the Secret")},
		"the token at the end of much": {400, nil, `{"message":"` + strings.Repeat("x", 195) + canary + `"}`, person("Refused", " is answered with 400: (withheld: it repeats a credential); it will not be asked again for this")},
		"much":                         {400, nil, `{"message":"` + strings.Repeat("x", 5000) + `"}`, person("Refused", " is answered with 400: "+strings.Repeat("x", 199)+"…; it will not be asked again for this")},
		"what nobody sees":             {400, nil, `{"message":"a\u202eb\u0007\n\nc"}`, person("Refused", ` is answered with 400: a\u202eb\x07 c; it will not be asked again for this`)},
		"nothing":                      {400, nil, "", person("Refused", " is answered with 400; it will not be asked again for this")},
		"far too much":                 {200, nil, strings.Repeat("x", 1<<20+1), owned{"Refused", 0, "Refused: " + asked + " is answered with more than 1 MiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &answerer{t: t, left: []exchange{{code: tt.code, header: tt.header, answer: tt.body}}}
			_, err := status("acme/web")(t.Context(), open(t, v1alpha1.ProviderGitHub, serve(t, server)))
			got := ownerOf(err)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(got.Text, canary) {
				t.Errorf("the token is in %s", got.Text)
			}
			if len(server.asked) != 1 {
				t.Errorf("asked %d times", len(server.asked))
			}
		})
	}
}

func TestUnreadableAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"nothing":      {"", "with what isn't the JSON that is expected"},
		"a page":       {"<html>", "with what isn't the JSON that is expected"},
		"another type": {`{"number":"seven"}`, "with what isn't the JSON that is expected"},
		"deep":         {strings.Repeat("[", 100_000), "with what isn't the JSON that is expected"},
		"a list":       {`[]`, "with what isn't the JSON that is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &answerer{t: t, left: []exchange{{answer: tt.body}}}
			_, err := open(t, v1alpha1.ProviderGitHub, serve(t, server)).PullRequest(t.Context(), "acme/web", 7)
			if !fault.Is(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestBomb: what unpacks to much is read as far as anything is.
func TestBomb(t *testing.T) {
	t.Parallel()
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		for range 64 {
			if _, err := packed.Write(make([]byte, 1<<20)); err != nil {
				return // Nobody reads on.
			}
		}
		packed.Close()
	}))
	_, err := open(t, v1alpha1.ProviderGitHub, api).PullRequest(t.Context(), "acme/web", 7)
	if err == nil || !strings.Contains(err.Error(), "more than 1 MiB") {
		t.Errorf("the error is %v", err)
	}
}

// TestRedirects: the token stays with its host.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var taken []string
	other := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		taken = append(taken, r.Header.Get("Authorization"))
	}))
	for name, tt := range map[string]struct {
		code int
		to   func(here string) string
		want string
	}{
		"another host":            {307, func(string) string { return other + "/statuses" }, "InvalidURL"},
		"another host, as GET":    {302, func(string) string { return other + "/statuses" }, "InvalidURL"},
		"another scheme":          {308, func(here string) string { return strings.Replace(here, "http:", "https:", 1) }, "InvalidURL"},
		"here, as GET":            {301, func(here string) string { return here + "/moved" }, "InvalidURL"},
		"here, for good":          {308, func(here string) string { return here + "/moved" }, ""},
		"here, for now":           {307, func(here string) string { return here + "/moved" }, ""},
		"here, again and again":   {307, func(here string) string { return here + "/again" }, "InvalidURL"},
		"nowhere":                 {304, func(string) string { return "" }, "InvalidURL"},
		"where nobody can follow": {307, func(string) string { return "::" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var here string
			moved := ""
			here = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved" {
					moved = r.Method + " " + r.Header.Get("Authorization")
					return
				}
				w.Header().Set("Location", tt.to(here))
				w.WriteHeader(tt.code)
			}))
			_, err := status("acme/web")(t.Context(), open(t, v1alpha1.ProviderGitHub, here))
			if got := ownerOf(err); tt.want != got.Reason || strings.Contains(got.Text, canary) {
				t.Errorf("the error is %v", err)
			}
			if err == nil && moved != "POST Bearer "+canary {
				t.Errorf("where it was moved to came %q", moved)
			}
		})
	}
	if len(taken) > 0 {
		t.Errorf("another host got %q", taken)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	api := server.URL
	server.Close()
	_, err := status("acme/web")(t.Context(), open(t, v1alpha1.ProviderGitHub, api))
	if got := ownerOf(err); got.Reason != "" || !strings.Contains(got.Text, "connection refused") || strings.Contains(got.Text, canary) {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := status("acme/web")(ctx, open(t, v1alpha1.ProviderGitHub, api)); ownerOf(err).Reason != "" {
		t.Errorf("the error is %v", err)
	}
}
