package examples_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/webhook"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/test/copies"
)

const registryToken = "canary-3a1f9c"

// TestImagesArePushed sends what each registry sends, twice: it is one Run, of the one tag
// that the Trigger is about.
func TestImagesArePushed(t *testing.T) {
	example := objects(t, "images")
	const image, digest = "acme/web:v1.4.0", "sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf"
	told := map[string]string{"repository": "acme/web", "tag": "v1.4.0", "digest": digest}
	noDigest := map[string]string{"repository": "acme/web", "tag": "v1.4.0"}
	for file, tt := range map[string]struct {
		trigger string
		// user whose password the token is, where a registry can't send a header.
		user     string
		delivery string
		params   map[string]string
	}{
		"distribution":       {trigger: "distribution", delivery: "320678d8-ca14-430f-8bb6-4ca139cd83f7/" + image, params: told},
		"harbor":             {trigger: "harbor", delivery: "1772462666/" + digest + "/" + image, params: told},
		"harbor-cloudevents": {trigger: "harbor", delivery: "4b2f89a6-548d-4c12-9993-a1f5790b97d2/" + image, params: told},
		"dockerhub":          {trigger: "dockerhub", user: "hub", delivery: "1772462666/" + image, params: noDigest},
		// It says nothing that a repeat could be told by.
		"quay": {trigger: "quay", user: "quay", params: noDigest},
	} {
		t.Run(file, func(t *testing.T) {
			cluster, server := newReceiver(t, example)
			if got := push(t, server, tt.trigger, file, "wrong", tt.user); got != http.StatusUnauthorized {
				t.Errorf("with a wrong token the answer is %d", got)
			}
			if got := push(t, server, tt.trigger, file, registryToken, tt.user); got != http.StatusCreated {
				t.Errorf("the answer is %d", got)
			}
			again, runs := http.StatusOK, 1
			if tt.delivery == "" {
				again, runs = http.StatusCreated, 2
			}
			if got := push(t, server, tt.trigger, file, registryToken, tt.user); got != again {
				t.Errorf("the answer to a repeat is %d", got)
			}
			var list v1alpha1.RunList
			if err := cluster.List(t.Context(), &list); err != nil || len(list.Items) != runs {
				t.Fatalf("%d Runs: %v", len(list.Items), err)
			}
			if diff := cmp.Diff(tt.params, list.Items[0].Spec.Params); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := list.Items[0].Spec.Origin.Delivery; tt.delivery != "" && got != tt.delivery {
				t.Errorf("the delivery is %s, want %s", got, tt.delivery)
			}
		})
	}
}

// What a registry sends beside pushes of the images that a Trigger is about, and what
// another kind of registry sends, starts nothing.
func TestOtherNewsOfRegistries(t *testing.T) {
	example := objects(t, "images")
	const other = `"repository": {"repo_full_name": "other/web"}`
	for name, tt := range map[string]struct {
		trigger, body string
		status        int
	}{
		"a pull":               {"distribution", `{"events": [{"id": "a", "action": "pull", "target": {"repository": "acme/web", "tag": "v1", "digest": "sha256:0"}}]}`, 200},
		"a layer":              {"distribution", `{"events": [{"id": "a", "action": "push", "target": {"repository": "acme/web", "digest": "sha256:0"}}]}`, 200},
		"a deletion":           {"distribution", `{"events": [{"id": "a", "action": "delete", "target": {"repository": "acme/web", "digest": "sha256:0"}}]}`, 200},
		"another tag":          {"distribution", `{"events": [{"id": "a", "action": "push", "target": {"repository": "acme/web", "tag": "x", "digest": "sha256:0"}}]}`, 200},
		"another repository":   {"harbor", `{"type": "PUSH_ARTIFACT", "occur_at": 1, "event_data": {"resources": [{"tag": "v1", "digest": "sha256:0"}], ` + other + `}}`, 200},
		"a path below":         {"quay", `{"repository": "acme/web/api", "updated_tags": ["v1"]}`, 200},
		"a manifest by digest": {"harbor", `{"type": "PUSH_ARTIFACT", "occur_at": 1, "event_data": {"resources": [{"tag": "sha256:0", "digest": "sha256:0"}], ` + other + `}}`, 200},
		"a scan":               {"harbor", `{"type": "SCANNING_COMPLETED", "occur_at": 1, "event_data": {"resources": [{"tag": "v1", "digest": "sha256:0"}], ` + other + `}}`, 200},
		"a replication":        {"harbor", `{"type": "REPLICATION", "occur_at": 1, "event_data": {"replication": {}}}`, 200},
		"a build":              {"quay", `{"repository": "acme/web", "build_id": "a", "docker_tags": ["v1"]}`, 200},
		"another registry's":   {"distribution", `{"repository": "acme/web", "updated_tags": ["v1"]}`, 422},
		"Harbor's to another":  {"dockerhub", `{"type": "PUSH_ARTIFACT", "occur_at": 1, "event_data": {}}`, 422},
		"events of no kind":    {"distribution", `{"events": [1]}`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, server := newReceiver(t, example)
			if got := post(t, server, tt.trigger, []byte(tt.body), registryToken, ""); got != tt.status {
				t.Errorf("the answer is %d, want %d", got, tt.status)
			}
			var list v1alpha1.RunList
			if err := cluster.List(t.Context(), &list); err != nil || len(list.Items) != 0 {
				t.Fatalf("%d Runs: %v", len(list.Items), err)
			}
		})
	}
}

// newReceiver is what receives requests where the example is applied, and what it reads
// and writes.
func newReceiver(t *testing.T, example []render.Object) (client.Client, http.Handler) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	applied := []client.Object{&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "webhook"}, Data: map[string][]byte{"token": []byte(registryToken)},
	}}
	for _, one := range example {
		applied = append(applied, one.Object)
	}
	cluster := fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(applied...)...).Build()
	server, err := webhook.NewServer(webhook.Options{
		Client: cluster, APIReader: cluster, Starter: &start.Starter{Client: cluster, APIReader: cluster},
		Clock: clocktesting.NewFakePassiveClock(time.Date(2026, 3, 2, 14, 45, 0, 0, time.UTC)), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return cluster, server.Handler()
}

// push is one of the example's requests, by a registry that knows the token.
func push(t *testing.T, to http.Handler, trigger, file, token, user string) int {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("images", "_requests", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return post(t, to, trigger, body, token, user)
}

// post sends a body with the token: as a user's password, or, of no user, as a header.
func post(t *testing.T, to http.Handler, trigger string, body []byte, token, user string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/ci/"+trigger, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if user != "" {
		r.SetBasicAuth(user, token)
	}
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("the answer is %s", w.Body)
	}
	return w.Code
}
