package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v88/github"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/webhook"
)

// GitHub's own library must accept what this package signs.
func TestGitHubDeliveryIsSignedAsGitHubDoes(t *testing.T) {
	push := webhook.Push{Repository: "acme/web", CloneURL: "http://git.example.com/web.git", Branch: "main", SHA: "abc", Message: "a\nb"}
	delivery, err := webhook.GitHub(push, "secret", "1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := github.ValidatePayload(r, []byte("secret")); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, github.WebHookType(r)+" "+github.DeliveryID(r))
	}))
	defer server.Close()
	got, err := delivery.Post(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != http.StatusOK || string(got.Body) != "push 1" {
		t.Errorf("answer %d %q, want 200 and the event's name and id", got.Status, got.Body)
	}
	delivery.Body = append(delivery.Body, ' ')
	if got, err = delivery.Post(t.Context(), server.URL); err != nil || got.Status != http.StatusUnauthorized {
		t.Errorf("a changed body: answer %d, %v; want 401", got.Status, err)
	}
}

// The signature was made with openssl: HMAC-SHA256 of {} with the key secret.
func TestSignedAsEachHostDoes(t *testing.T) {
	const signature = "77325902caca812dc259733aacd046b73817372c777b8d95b402647474516e13"
	for provider, want := range map[v1alpha1.Provider]http.Header{
		v1alpha1.ProviderGitLab:          {"X-Gitlab-Event": {"e"}, "Idempotency-Key": {"1"}, "X-Gitlab-Token": {"secret"}},
		v1alpha1.ProviderGitea:           {"X-Gitea-Event": {"e"}, "X-Gitea-Delivery": {"1"}, "X-Gitea-Signature": {signature}},
		v1alpha1.ProviderBitbucket:       {"X-Event-Key": {"e"}, "X-Request-Uuid": {"1"}, "X-Hub-Signature": {"sha256=" + signature}},
		v1alpha1.ProviderBitbucketServer: {"X-Event-Key": {"e"}, "X-Request-Id": {"1"}, "X-Hub-Signature": {"sha256=" + signature}},
	} {
		want.Set("Content-Type", "application/json")
		got, err := webhook.Signed(provider, "e", []byte("{}"), "secret", "1")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Errorf("%s: -want +got:\n%s", provider, diff)
		}
	}
	if _, err := webhook.Signed(v1alpha1.ProviderGeneric, "e", nil, "secret", "1"); err == nil {
		t.Error("a generic webhook has no git host's headers")
	}
}
