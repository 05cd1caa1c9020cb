package api_test

import (
	"strings"
	"testing"
)

// The doctor reads, and says what it may not read.
func TestDoctor(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.pipeline("web", "test"))
	s.repo(t, nil)
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	before := s.versions(t)

	got := authorCommand(t, kubeconfig, "doctor")
	for _, want := range []string{
		"✓ ok      Kubernetes: v1.", "✓ ok      CRD runs.kayci.dev: serves v1alpha1\n", "✕ wrong   controller: there is none: ",
		"! note    admission: no webhook ", "✓ ok      your rights: you may look at Runs, read logs, ",
		"! note    ConfigRepo " + s.namespace + "/mine: no controller has looked at it yet\n", "✓ ok      Triggers: all 0 are ready\n",
		"✓ ok      Runs: 0 are active, and none waits\n", "! note    store: none is known: ",
	} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("lacks %q:\n%s", want, got.Out)
		}
	}
	wantEqual(t, "the ending", ending{Code: 1}, ending{Err: got.Err, Code: got.Code})

	got = authorCommand(t, kubeconfig, "doctor", "--as=bob", "-A")
	for _, want := range []string{
		"? unknown CRD runs.kayci.dev: you may not read CustomResourceDefinitions\n", "? unknown controller: you may not read Deployments of all namespaces\n",
		"✕ wrong   your rights: you may not look at Runs, ", "? unknown ConfigRepos: you may not read ConfigRepos\n", "? unknown Runs: ",
	} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("bob's lacks %q:\n%s", want, got.Out)
		}
	}
	wantEqual(t, "what is stored", before, s.versions(t))
}
