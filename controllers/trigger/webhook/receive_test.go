package webhook

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestUnauthenticatedIsAlwaysTheSame compares whole answers, headers and all:
// what exists must not show.
func TestUnauthenticatedIsAlwaysTheSame(t *testing.T) {
	elsewhere := trigger("web-push", v1alpha1.ProviderGitHub)
	elsewhere.Namespace = "unwatched"
	token := secret("hook", canary)
	token.Namespace = "unwatched"
	noSecret := trigger("no-secret", v1alpha1.ProviderGitHub)
	noSecret.Spec.Webhook.SecretRef.Name = "missing"
	empty := trigger("empty", v1alpha1.ProviderGeneric)
	empty.Spec.Webhook.SecretRef.Name = "empty"
	keyless := trigger("keyless", v1alpha1.ProviderGeneric)
	keyless.Spec.Webhook.SecretRef.Name = "keyless"
	other := secret("keyless", "")
	other.Data = map[string][]byte{"password": []byte(canary)}
	forbidden := trigger("forbidden", v1alpha1.ProviderGitLab)
	forbidden.Spec.Webhook.SecretRef.Name = "forbidden"

	f := newFixture(t, setup{
		objects: objects(trigger("web-push", v1alpha1.ProviderGitHub), secret("hook", canary), pipeline(),
			elsewhere, token, noSecret, empty, secret("empty", "\n"), keyless, other, forbidden),
		options: Options{Namespaces: []string{"ci", "also"}},
		funcs: interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, ok := obj.(*corev1.Secret); ok && key.Name == "forbidden" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
			}
			return c.Get(ctx, key, obj, opts...)
		}},
	})
	requests := map[string]request{
		"a wrong signature":          githubPush(t, "/hooks/ci/web-push", "1").with(map[string]string{"X-Hub-Signature-256": "sha256=" + sign("x", "y")}),
		"no signature":               {path: "/hooks/ci/web-push", body: "{}"},
		"no signature, no JSON":      {path: "/hooks/ci/web-push", body: "{"},
		"nothing at all":             {path: "/hooks/ci/web-push"},
		"an unknown trigger":         githubPush(t, "/hooks/ci/unknown", "1"),
		"an unknown namespace":       githubPush(t, "/hooks/unknown/web-push", "1"),
		"an unwatched namespace":     githubPush(t, "/hooks/unwatched/web-push", "1"),
		"all of an unwatched one":    githubPush(t, "/hooks/unwatched", "1"),
		"a namespace of none":        githubPush(t, "/hooks/also", "1"),
		"all, with wrong signature":  {path: "/hooks/ci", body: "{}"},
		"no name":                    githubPush(t, "/hooks/ci/Web_Push", "1"),
		"a name that goes elsewhere": githubPush(t, "/hooks/ci/..%2f..%2fsecrets", "1"),
		"a long name":                githubPush(t, "/hooks/ci/"+strings.Repeat("a", 5000), "1"),
		"a missing secret":           githubPush(t, "/hooks/ci/no-secret", "1"),
		"an empty token": {
			path: "/hooks/ci/empty", body: "{}",
			header: map[string]string{"Authorization": "Bearer "},
		},
		"a secret without the key": {
			path: "/hooks/ci/keyless", body: "{}",
			header: map[string]string{"Authorization": "Bearer "},
		},
		"a secret that can't be read": {path: "/hooks/ci/forbidden", body: "{}"},
	}
	want := f.send(request{path: "/hooks/nowhere/nothing", body: "{}"}).Result()
	wantBody := `{"error":"unknown address, or missing or wrong signature; a large body may need the address of a Trigger rather than its namespace's"}` + "\n"
	for name, req := range requests {
		t.Run(name, func(t *testing.T) {
			w := f.send(req)
			got := w.Result()
			if diff := cmp.Diff(want.Header, got.Header); diff != "" || got.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d, headers -want +got:\n%s", got.StatusCode, diff)
			}
			if diff := cmp.Diff(wantBody, w.Body.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if runs, events := f.runs(t), f.recorded(t); len(runs)+len(events) > 0 {
		t.Errorf("there are Runs %+v and events %v", runs, events)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	f := newFixture(t, setup{})
	for target, want := range map[string]int{
		"GET /hooks/ci/web-push":  http.StatusMethodNotAllowed,
		"PUT /hooks/ci":           http.StatusMethodNotAllowed,
		"POST /":                  http.StatusNotFound,
		"POST /hooks":             http.StatusNotFound,
		"POST /hooks/ci/a/b":      http.StatusNotFound,
		"POST /metrics":           http.StatusNotFound,
		"POST /hooks/ci/a//":      http.StatusTemporaryRedirect,
		"POST /hooks/ci/web-push": http.StatusUnauthorized,
		"POST /hooks/ci":          http.StatusUnauthorized,
	} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	f := newFixture(t, setup{
		objects: objects(trigger("web-push", v1alpha1.ProviderGeneric), secret("hook", canary), pipeline()),
		options: Options{MaxBytes: 10},
	})
	want := answered{Status: http.StatusRequestEntityTooLarge, Error: "the body has more than 10 bytes"}
	f.expect(t, bearer("/hooks/ci/web-push", "1", strings.Repeat(" ", 11)), want)
	f.expect(t, request{path: "/hooks/un/known", body: strings.Repeat(" ", 11)}, want)
	if w := f.send(bearer("/hooks/ci/web-push", "1", strings.Repeat(" ", 10))); w.Code != http.StatusCreated {
		t.Errorf("a body of just the limit: %d %s", w.Code, w.Body)
	}
}

func TestMalformed(t *testing.T) {
	f := newFixture(t, setup{objects: objects(
		trigger("web-push", v1alpha1.ProviderGitHub), trigger("by-hand", v1alpha1.ProviderGeneric), secret("hook", canary), pipeline())})
	noForm := signedGitHub("/hooks/ci/web-push", "1", "push", "a=b")
	noForm.header["Content-Type"] = "application/x-www-form-urlencoded"
	tests := map[string]struct {
		request request
		want    string
	}{
		"no JSON":           {signedGitHub("/hooks/ci/web-push", "1", "push", "{"), "decode JSON: unexpected end of JSON input"},
		"no JSON, any kind": {signedGitHub("/hooks/ci/web-push", "1", "star", "{"), "decode JSON: unexpected end of JSON input"},
		"empty":             {signedGitHub("/hooks/ci/web-push", "1", "push", ""), "decode JSON: unexpected end of JSON input"},
		"two documents":     {signedGitHub("/hooks/ci/web-push", "1", "push", "{}{}"), "decode JSON: invalid character '{' after top-level value"},
		"a list":            {signedGitHub("/hooks/ci/web-push", "1", "push", "[]"), "the body is JSON, but not an object"},
		"no push":           {signedGitHub("/hooks/ci/web-push", "1", "push", "{}"), "the payload's `ref` does not begin with refs/"},
		"a wrong type":      {signedGitHub("/hooks/ci/web-push", "1", "push", `{"ref": 1}`), "the payload's field ref can't be of type number"},
		"no form":           {noForm, "read the form: it has no field named payload"},
		"all of the namespace": {
			signedGitHub("/hooks/ci", "1", "push", "{"),
			"decode JSON: unexpected end of JSON input",
		},
		"generic list": {bearer("/hooks/ci/by-hand", "1", "[]"), "the body is JSON, but not an object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f.expect(t, tt.request, answered{Status: http.StatusBadRequest, Error: tt.want})
		})
	}
	if runs, events := f.runs(t), f.recorded(t); len(runs)+len(events) > 0 {
		t.Errorf("there are Runs %+v and events %v", runs, events)
	}
}
