package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-github/v88/github"

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
