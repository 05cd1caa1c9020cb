package serve_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/store/serve"
)

// TestReviewer: the API server is shown what the caller has shown, and nothing of the
// store's own.
func TestReviewer(t *testing.T) {
	t.Parallel()
	var shown []http.Header
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := http.Header{}
		for _, name := range []string{"Authorization", "Impersonate-User", "Impersonate-Group", "Kayci-Token"} {
			if values := r.Header.Values(name); len(values) > 0 {
				seen[name] = values
			}
		}
		shown = append(shown, seen)
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Code: http.StatusUnauthorized, Reason: metav1.StatusReasonUnauthorized})
			return
		}
		switch r.URL.Path {
		case "/apis/authentication.k8s.io/v1/selfsubjectreviews":
			_, _ = w.Write([]byte(`{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","status":{"userInfo":{"username":"jane"}}}`))
		case "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
			_, _ = w.Write([]byte(`{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(api.Close)
	reviewer, err := serve.NewReviewer(&rest.Config{Host: api.URL, BearerToken: "of-the-store", Impersonate: rest.ImpersonationConfig{UserName: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	caller := &serve.Caller{Token: "token", As: http.Header{"Impersonate-User": {"jane"}, "Impersonate-Group": {"a", "b"}}}
	user, err := reviewer.User(t.Context(), caller)
	may, mayErr := reviewer.May(t.Context(), caller, &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods"})
	if user != "jane" || !may || errors.Join(err, mayErr) != nil {
		t.Errorf("%q, %v, %v, %v", user, may, err, mayErr)
	}
	if _, err := reviewer.User(t.Context(), &serve.Caller{Token: "other"}); !apierrors.IsUnauthorized(err) {
		t.Errorf("another token: %v", err)
	}
	both := http.Header{"Authorization": {"Bearer token"}, "Impersonate-User": {"jane"}, "Impersonate-Group": {"a", "b"}}
	if diff := cmp.Diff([]http.Header{both, both, {"Authorization": {"Bearer other"}}}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
