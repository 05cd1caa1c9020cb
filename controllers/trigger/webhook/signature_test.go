package webhook

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// proofs are the headers that prove who has sent a request.
func proofs() []string {
	return []string{"X-Hub-Signature-256", "X-Gitlab-Token", "Webhook-Signature", "X-Gitea-Signature", "X-Hub-Signature", "Authorization"}
}

// TestDoubledProofs sends each provider's proof twice: what counts is the first, so
// that nothing is gained by one that is added behind it.
func TestDoubledProofs(t *testing.T) {
	for name, tt := range providerCases(t) {
		for _, header := range proofs() {
			proof, ok := tt.request.header[header]
			if !ok {
				continue
			}
			t.Run(name+"/"+header, func(t *testing.T) {
				f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", tt.token), trigger("web-push", tt.provider))})
				for _, doubled := range []struct {
					values []string
					status int
				}{
					{[]string{"wrong", proof}, http.StatusUnauthorized},
					{[]string{"", proof}, http.StatusUnauthorized},
					{[]string{proof, "wrong"}, http.StatusCreated},
				} {
					if got := f.sendHeader(tt.request, header, doubled.values); got != doubled.status {
						t.Errorf("%q: the answer is %d, want %d", doubled.values, got, doubled.status)
					}
				}
			})
		}
	}
}

func (f *fixture) sendHeader(req request, name string, values []string) int {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hooks/ci/web-push", strings.NewReader(req.body))
	for other, value := range req.header {
		r.Header.Set(other, value)
	}
	r.Header[http.CanonicalHeaderKey(name)] = values
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w.Code
}

// TestSignaturesInCapitals: hexadecimal digits are the same in capitals. The name of
// the algorithm, and what isn't hexadecimal, is not.
func TestSignaturesInCapitals(t *testing.T) {
	for name, tt := range providerCases(t) {
		for _, header := range proofs() {
			proof, ok := tt.request.header[header]
			if !ok {
				continue
			}
			algorithm, digits, hexadecimal := strings.Cut(proof, "=")
			want, capitals := http.StatusUnauthorized, strings.ToUpper(proof)
			if hexadecimal && algorithm == "sha256" {
				want, capitals = http.StatusCreated, algorithm+"="+strings.ToUpper(digits)
			}
			if header == "X-Gitea-Signature" {
				want = http.StatusCreated
			}
			f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", tt.token), trigger("web-push", tt.provider))})
			if got := f.sendHeader(tt.request, header, []string{capitals}); got != want {
				t.Errorf("%s: %s: %s: the answer is %d, want %d", name, header, capitals, got, want)
			}
		}
	}
}

// TestOneRequestOfOneProvider: what is authentic for one provider is for no other,
// though the token is the same.
func TestOneRequestOfOneProvider(t *testing.T) {
	for name, tt := range providerCases(t) {
		for _, other := range v1alpha1.Providers() {
			if other == tt.provider || bothBitbucket(other, tt.provider) {
				continue
			}
			f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", tt.token), trigger("web-push", other))})
			tt.request.path = "/hooks/ci/web-push"
			if w := f.send(tt.request); w.Code != http.StatusUnauthorized {
				t.Errorf("%s is authentic for %s: %d %s", name, other, w.Code, w.Body)
			}
		}
	}
}

// bothBitbucket sign alike. What the one sends is no event of the other.
func bothBitbucket(a, b v1alpha1.Provider) bool {
	return strings.HasPrefix(string(a), "bitbucket") && strings.HasPrefix(string(b), "bitbucket")
}

func TestBitbucketsKeepApart(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderBitbucketServer))})
	req := providerCases(t)["bitbucket"].request
	req.path = "/hooks/ci/web-push"
	got := read(t, f.send(req))
	want := []result{{Trigger: "web-push", Outcome: notMatched, Reason: "the event is repo:push, not push"}}
	if diff := cmp.Diff(want, got.Results, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
