package cli

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/kayci/kayci/store/client"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestLending: who shows API servers no token gets one for the store, and a new one before
// it ends. Who shows one, as a program of the kubeconfig may give it, is lent none.
func TestLending(t *testing.T) {
	t.Parallel()
	kube := fake.NewClientset()
	made := 0
	kube.PrependReactor("create", "serviceaccounts", func(k8stesting.Action) (bool, runtime.Object, error) {
		made++
		return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: string(rune('a' + made - 1))}}, nil
	})
	var sent []string
	l := lending{&lent{kube: kube, service: types.NamespacedName{Namespace: "kayci", Name: "kayci-store"}}, roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.Header.Get("Authorization")+r.Header.Get(client.TokenHeader))
		return &http.Response{Body: http.NoBody}, nil
	})}
	ask := func(token string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://cluster/api/v1/namespaces/kayci/services/kayci-store:http/proxy/v1", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", token)
		}
		answer, err := l.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	other, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://cluster/api/v1/namespaces/kayci/services/kayci-store:http/proxy/v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	other.Header.Set("Impersonate-User", "jane")
	if answer, err := l.RoundTrip(other); !errors.Is(err, client.ErrNotStored) {
		answer.Body.Close()
		t.Errorf("who acts for another by a certificate: %v", err)
	}
	ask("Bearer own")
	ask("")
	ask("")
	l.until = time.Now()
	ask("")
	if diff := cmp.Diff([]string{"Bearer own", "Bearer a", "Bearer a", "Bearer b"}, sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
