package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Without a folder the namespace's own Triggers are asked.
func TestMatchAsksTheCluster(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.pipeline("web", "test"), s.trigger("push", "web", nil), s.trigger("other", "web", nil))
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	body := filepath.Join(t.TempDir(), "push.json")
	if err := os.WriteFile(body, []byte(`{"ref": "refs/heads/main", "after": "8f3c2d1e0b9a7f6e5d4c3b2a190817263544f0e1", "repository": {"full_name": "acme/web", "clone_url": "https://git.example.com/acme/web.git"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want ending
	}{
		"one": {[]string{"--trigger=push"}, ending{Out: "push: yes, a Run of web\n  a push of refs/heads/main\n"}},
		"none of the name": {
			[]string{"--trigger=x"}, ending{Err: "namespace " + s.namespace + " has no Trigger x", Code: 1},
		},
		"a flag about files": {
			[]string{"--path=ci"}, ending{Err: "--path is about files: name their folder, as in `kayci match . --path …`", Code: 1},
		},
	} {
		got := authorCommand(t, kubeconfig, append([]string{"match", "-f", body, "--header=X-GitHub-Event=push"}, test.args...)...)
		wantEqual(t, name, test.want, got)
	}
	if got := authorCommand(t, kubeconfig, "match", "-f", body, "--as=bob"); got.Code == 0 || !strings.Contains(got.Err, "list the Triggers") {
		t.Errorf("nobody's rights: %+v", got)
	}
}

// What a ConfigRepo adds to a commit is part of what would change.
func TestDiffKnowsTheConfigRepo(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.pipeline("web", "test"))
	err := s.Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "defaults"},
		Data:       map[string]string{"jobTemplate": "spec: {template: {spec: {serviceAccountName: ci}}}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.repo(t, func(spec *v1alpha1.ConfigRepoSpec) {
		spec.JobDefaults = &meta.LocalObjectReference{Name: "defaults"}
		spec.Path, spec.Ignore = "ci", []string{"ci/old"}
	})
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	dir := t.TempDir()
	ci := filepath.Join(dir, "ci")
	if err := os.Rename(folderOf(t, s.pipeline("web", "test")), ci); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folderOf(t, s.pipeline("old", "test")), filepath.Join(ci, "old")); err != nil {
		t.Fatal(err)
	}
	got := authorCommand(t, kubeconfig, "diff", dir, "--configrepo=mine")
	if got.Code != 1 || !strings.Contains(got.Out, "+              serviceAccountName: ci\n") && !strings.Contains(got.Out, "+            serviceAccountName: ci\n") {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(got.Out, "old") {
		t.Errorf("an ignored file was rendered:\n%s", got.Out)
	}
	if got := authorCommand(t, kubeconfig, "diff", ci, "--as=bob"); got.Code != 2 || got.Out != "" {
		t.Errorf("nobody's rights: %+v", got)
	}
}
