package cli

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	l := lending{&lent{kube: kube, locate: client.At(types.NamespacedName{Namespace: "kayci", Name: "kayci-store"})}, roundTripper(func(r *http.Request) (*http.Response, error) {
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

// TestAnnouncing: the store is that which administrators announce, and it is looked for once a while.
func TestAnnouncing(t *testing.T) {
	t.Parallel()
	announces := func(store string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-public", Name: "kayci"}, Data: map[string]string{"store": store}}
	}
	for name, tt := range map[string]struct {
		there     *corev1.ConfigMap
		refused   error
		want      types.NamespacedName
		err       string
		notStored bool
		asked     int
	}{
		"announced":     {there: announces("ci/kayci-store"), want: types.NamespacedName{Namespace: "ci", Name: "kayci-store"}, asked: 1},
		"nothing":       {err: "it is not in the store: the ConfigMap kube-public/kayci announces none, or not to you; --store names one", notStored: true, asked: 1},
		"no store":      {there: announces(""), err: "it is not in the store: the ConfigMap kube-public/kayci announces none, or not to you; --store names one", notStored: true, asked: 1},
		"not to me":     {refused: apierrors.NewForbidden(corev1.Resource("configmaps"), "kayci", nil), err: "it is not in the store: the ConfigMap kube-public/kayci announces none, or not to you; --store names one", notStored: true, asked: 1},
		"no name":       {there: announces("ci/../x"), err: `the store that the ConfigMap kube-public/kayci announces is "ci/../x": it takes NAMESPACE/SERVICE`, asked: 1},
		"asked in vain": {refused: apierrors.NewInternalError(errors.New("away")), err: "find the store: Internal error occurred: away", asked: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kube := fake.NewClientset()
			if tt.there != nil {
				kube = fake.NewClientset(tt.there)
			}
			asked := 0
			kube.PrependReactor("get", "configmaps", func(k8stesting.Action) (bool, runtime.Object, error) {
				asked++
				return tt.refused != nil, nil, tt.refused
			})
			a := &announcing{kube: kube}
			for range 2 {
				got, err := a.locate(t.Context())
				said := ""
				if err != nil {
					said = err.Error()
				}
				if got != tt.want || said != tt.err || errors.Is(err, client.ErrNotStored) != tt.notStored {
					t.Errorf("%v, %v", got, err)
				}
			}
			if asked != tt.asked {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}
