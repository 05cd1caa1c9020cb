package chart_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestLifecycle installs, upgrades, uninstalls and installs again with helm
// itself. No hook runs: there is nothing that would run its Job.
func TestLifecycle(t *testing.T) {
	for _, program := range []string{helm3, helm4} {
		t.Run(program, func(t *testing.T) { testLifecycle(t, program) })
	}
}

func testLifecycle(t *testing.T, program string) {
	t.Helper()
	s := startServer(t, "testdata")
	s.program = program
	values := filepath.Join("values", "full.yaml")

	hook := s.release()
	hook.Patience = time.Second
	_, err := hook.Apply(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), v1alpha1.ConfigRepoKind) {
		t.Errorf("before an install, got error %v, want one that names the kind", err)
	}

	// The kind of the ConfigRepos in these values doesn't exist yet.
	s.helm(t, "install", release, chartFolder, "--no-hooks", "--values", values)
	repo := configRepo("kept", releaseNamespace, "https://git.example.com/kept.git")
	if err := s.client.Create(t.Context(), repo); err != nil {
		t.Fatalf("create a ConfigRepo after the install: %v", err)
	}
	s.checkRoom(t)

	s.outdateCRD(t)
	kept := s.certify(t)
	s.helm(t, "upgrade", release, chartFolder, "--no-hooks", "--values", values, "--set", "admission.failurePolicy=Fail")
	s.checkCRDIsCurrent(t, "after an upgrade")
	s.checkCertified(t, kept)

	s.helm(t, "uninstall", release, "--no-hooks")
	s.checkExists(t, repo, "after an uninstall")
	deleting := s.deletingObjects(t)

	s.helm(t, "install", release, chartFolder, "--no-hooks")
	s.checkExists(t, repo, "after a second install")
	s.checkWithoutReplica(t, deleting, repo)

	s.helm(t, "upgrade", release, chartFolder, "--no-hooks", "--set", "crds.install=false")
	s.checkExists(t, repo, "after crds.install was turned off")
}

// checkRoom fails if another version of the kinds would not fit into the Secret
// that Helm keeps a release in, which holds 1 MiB: all of it twice, and a fifth more.
func (s *server) checkRoom(t *testing.T) {
	t.Helper()
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: releaseNamespace, Name: "sh.helm.release.v1." + release + ".v1"}
	if err := s.client.Get(t.Context(), key, secret); err != nil {
		t.Fatal(err)
	}
	const most = 400_000
	if size := len(secret.Data["release"]); size > most {
		t.Errorf("Helm keeps the release in %d bytes, want %d at most: which description has grown the CRDs?", size, most)
	}
}

const shortName = "crepo"

// outdateCRD makes the CRD look as if it came from an older chart.
func (s *server) outdateCRD(t *testing.T) {
	t.Helper()
	crd := s.crd(t)
	crd.SetResourceVersion("")
	patch := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"remove","path":"/spec/names/shortNames"}]`))
	if err := s.client.Patch(t.Context(), crd, patch); err != nil {
		t.Fatal(err)
	}
}

// certify puts into the chart's objects what the controller does.
func (s *server) certify(t *testing.T) (kept []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range []struct{ apiVersion, kind, name, patch string }{
		{"v1", "Secret", "acme-ci-admission", `[{"op": "add", "path": "/data", "value": {"tls.crt": "eA=="}}]`},
		{
			"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "acme-ci.ci",
			`[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "` + base64.StdEncoding.EncodeToString(authority(t)) + `"}]`,
		},
		{
			"admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "acme-ci.ci",
			`[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "` + base64.StdEncoding.EncodeToString(authority(t)) + `"}]`,
		},
	} {
		live := &unstructured.Unstructured{}
		live.SetAPIVersion(object.apiVersion)
		live.SetKind(object.kind)
		live.SetName(object.name)
		if object.kind == "Secret" {
			live.SetNamespace(releaseNamespace)
		}
		if err := s.client.Patch(t.Context(), live, client.RawPatch(types.JSONPatchType, []byte(object.patch))); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, live)
	}
	return kept
}

// authority is a certificate: the API server looks whether it is one.
func authority(t *testing.T) []byte {
	t.Helper()
	chain, _, err := cert.GenerateSelfSignedCertKey("acme-ci-admission.ci.svc", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// checkCertified fails if an upgrade has taken away what the controller had put
// there: API servers would trust none of its replicas for a while.
func (s *server) checkCertified(t *testing.T, kept []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range kept {
		live := object.DeepCopy()
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(object), live); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(certificates(object), certificates(live)); diff != "" {
			t.Errorf("certificates of %s %s after an upgrade (-before +after):\n%s", object.GetKind(), object.GetName(), diff)
		}
	}
}

// certificates are a Secret's data and a webhook's bundle.
func certificates(object *unstructured.Unstructured) []any {
	found := []any{object.Object["data"]}
	webhooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks") // a Secret has none
	for _, webhook := range webhooks {
		if fields, ok := webhook.(map[string]any); ok {
			found = append(found, fields["clientConfig"])
		}
	}
	return found
}

func (s *server) checkCRDIsCurrent(t *testing.T, when string) {
	t.Helper()
	got, _, err := unstructured.NestedStringSlice(s.crd(t).Object, "spec", "names", "shortNames")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{shortName}, got); diff != "" {
		t.Errorf("%s, the CRD's short names (-want +got):\n%s", when, diff)
	}
}

func (s *server) crd(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	if err := s.client.Get(t.Context(), client.ObjectKey{Name: "configrepos." + v1alpha1.Group}, crd); err != nil {
		t.Fatal(err)
	}
	return crd
}

func (s *server) checkExists(t *testing.T, repo *unstructured.Unstructured, when string) {
	t.Helper()
	live := repo.DeepCopy()
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(repo), live); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if live.GetUID() != repo.GetUID() {
		t.Errorf("%s, the ConfigRepo is another one", when)
	}
}
