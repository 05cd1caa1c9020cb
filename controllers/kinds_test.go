package controllers_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/controllers"
)

// apiServer serves, of KayCI's kinds, those of the step that it has come to. Each
// question is a step, and the last one stays; a step without kinds is a 404.
func apiServer(t *testing.T, steps ...[]string) *rest.Config {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kinds := steps[min(int(asked.Add(1)), len(steps))-1]
		if r.URL.Path != "/apis/kayci.dev/v1alpha1" || kinds == nil {
			http.NotFound(w, r)
			return
		}
		list := metav1.APIResourceList{GroupVersion: "kayci.dev/v1alpha1"}
		for _, kind := range kinds {
			list.APIResources = append(list.APIResources, metav1.APIResource{Kind: kind, Name: strings.ToLower(kind) + "s"})
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(list); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func TestAwaitKinds(t *testing.T) {
	t.Parallel()
	some := []string{"ConfigRepo", "Trigger"}
	all := append([]string{"Pipeline", "Run"}, some...)
	for _, tt := range []struct {
		name     string
		steps    [][]string
		patience time.Duration
		want     string
	}{
		{name: "served", steps: [][]string{all}, patience: time.Minute},
		{name: "served in the end", steps: [][]string{nil, some, all}, patience: time.Minute},
		{name: "some never", steps: [][]string{some}, patience: time.Second, want: "the API server doesn't serve Pipeline, Run"},
		{name: "none ever", steps: [][]string{nil}, patience: time.Second, want: "could not find the requested resource"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := controllers.AwaitKinds(t.Context(), apiServer(t, tt.steps...), tt.patience)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
