package githost

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

func reporting(webhook, report v1alpha1.Provider, api string) *v1alpha1.Trigger {
	return &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-pr"},
		Spec: v1alpha1.TriggerSpec{
			Webhook: &v1alpha1.Webhook{Provider: webhook},
			Report:  &v1alpha1.Report{Provider: string(report), API: api, SecretRef: meta.LocalObjectReference{Name: "token"}},
		},
	}
}

func TestAsks(t *testing.T) {
	hosts := &OfTriggers{}
	without := reporting(v1alpha1.ProviderGitea, "", "")
	without.Spec.Report = nil
	for name, tt := range map[string]struct {
		trigger *v1alpha1.Trigger
		want    bool
	}{
		"the webhook's host": {reporting(v1alpha1.ProviderGitea, "", ""), true},
		"the same":           {reporting(v1alpha1.ProviderGitea, v1alpha1.ProviderGitea, ""), true},
		"another host":       {reporting(v1alpha1.ProviderGitea, v1alpha1.ProviderGitHub, ""), false},
		"none":               {without, false},
	} {
		if got := hosts.Asks(tt.trigger); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOpenATriggersHost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "token canary" {
			t.Errorf("%s is asked for without the token", r.URL)
		}
		_, _ = w.Write([]byte(`{"permission": "write"}`))
	}))
	defer server.Close()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "token"}, Data: map[string][]byte{"token": []byte("canary")}}
	hosts := &OfTriggers{Reader: fake.NewClientBuilder().WithObjects(secret).Build(), Opener: NewOpener(clock.RealClock{}, nil)}
	trigger := reporting(v1alpha1.ProviderGitea, "", server.URL)
	host, err := hosts.Open(t.Context(), trigger)
	if err != nil {
		t.Fatal(err)
	}
	if may, err := host.MayWrite(t.Context(), "acme/web", "mona"); err != nil || !may {
		t.Errorf("got %v, %v", may, err)
	}
	trigger.Spec.Report.SecretRef.Name = "other"
	if _, err := hosts.Open(t.Context(), trigger); !fault.Is(err) {
		t.Errorf("got %v", err)
	}
}
