package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

const yamlPipeline = `apiVersion: kayci.dev/v1alpha1
kind: Pipeline
metadata: {name: fine}
spec:
  jobs:
  - name: say
    template: {spec: {template: {spec: {containers: [{name: main, image: busybox}]}}}}
`

// A commit with one bad file also has a good one, and removes nothing: neither
// may reach the cluster, and what was applied last must stay as it was.
func TestABadCommitIsRefusedWhole(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	good := s.push(t, repository, map[string]string{"one.jsonnet": jsonnetPipeline("one", "first")})
	s.create(t, s.configRepo("repo", repository.URL))
	s.syncTo(t, "repo", good)
	before := s.resourceVersions(t)
	if err := repository.Link("_link.libsonnet", "/etc/passwd"); err != nil {
		t.Fatal(err)
	}

	for _, test := range []struct {
		name, file, content string
		says                []string
	}{
		{"a syntax error", "bad.jsonnet", "{\n  a: 1,\n  b 2,\n}\n", []string{"bad.jsonnet:3"}},
		{"an infinite recursion", "bad.jsonnet", "local f(x) =\n  f(x + 1) + 1;\nf(0)\n", []string{"bad.jsonnet", "stack"}},
		{"an import of an absolute path", "bad.jsonnet", "\nimport '/etc/passwd'\n", []string{"bad.jsonnet:2", "/etc/passwd"}},
		{"an import from above", "bad.jsonnet", "import '../x.libsonnet'\n", []string{"bad.jsonnet:1", "../x"}},
		{"an import of a URL", "bad.jsonnet", "import 'http://example.com/x.libsonnet'\n", []string{"bad.jsonnet:1", "http://example.com"}},
		{"an import through a symbolic link", "bad.jsonnet", "importstr '_link.libsonnet'\n", []string{"bad.jsonnet:1", "_link.libsonnet"}},
		{
			"a Deployment", "bad.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
			[]string{"bad.yaml", "Deployment"},
		},
		{
			"another namespace", "bad.yaml", strings.Replace(yamlPipeline, "{name: fine}", "{name: fine, namespace: default}", 1),
			[]string{"bad.yaml", "Pipeline/fine", "default"},
		},
		{
			"an unknown field", "bad.yaml", strings.Replace(yamlPipeline, "image:", "imagee:", 1),
			[]string{"bad.yaml", "Pipeline/fine", "imagee"},
		},
		{"two objects of one name", "bad.jsonnet", jsonnetPipeline("one", "again"), []string{"one.jsonnet", "bad.jsonnet", "Pipeline/one"}},
		{
			"a job that needs an unknown one", "bad.yaml", strings.Replace(yamlPipeline, "name: say", "name: say\n    needs: [nobody]", 1),
			[]string{"bad.yaml", "Pipeline/fine", "needs", "nobody"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{"bad.jsonnet": "", "bad.yaml": "", "new.jsonnet": jsonnetPipeline("new", "never"), "one.jsonnet": jsonnetPipeline("one", test.name)}
			files[test.file] = test.content
			commit := s.push(t, repository, files)
			repo, ready := s.sync(t, "repo")
			if ready.Status != metav1.ConditionFalse {
				t.Errorf("Ready=%s: %s; want False", ready.Status, ready.Message)
			}
			for _, words := range test.says {
				if !strings.Contains(ready.Message, words) {
					t.Errorf("the message doesn't say %q:\n%s", words, ready.Message)
				}
			}
			if strings.Contains(ready.Message, "root:") {
				t.Errorf("the message shows a file of the machine:\n%s", ready.Message)
			}
			if !strings.HasSuffix(repo.Status.LastAttemptedRevision, commit) || !strings.HasSuffix(repo.Status.LastAppliedRevision, good) {
				t.Errorf("attempted %s, applied %s; want %s and %s", repo.Status.LastAttemptedRevision, repo.Status.LastAppliedRevision, commit, good)
			}
			if diff := cmp.Diff(before, s.resourceVersions(t)); diff != "" {
				t.Errorf("objects' versions (-want +got):\n%s", diff)
			}
		})
	}
	s.syncTo(t, "repo", s.push(t, repository, map[string]string{"bad.jsonnet": "", "bad.yaml": ""}))
}

// An object that belongs to one ConfigRepo can't be taken by another.
func TestTwoConfigReposDontShareAnObject(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	first, second := s.repository(t, "first-"), s.repository(t, "second-")
	owned := s.push(t, first, map[string]string{"one.jsonnet": jsonnetPipeline("one", "first")})
	s.push(t, second, map[string]string{"one.jsonnet": jsonnetPipeline("one", "second")})
	s.create(t, s.configRepo("first", first.URL))
	s.syncTo(t, "first", owned)
	before := s.resourceVersions(t)
	s.create(t, s.configRepo("second", second.URL))
	_, ready := s.sync(t, "second")
	if ready.Status != metav1.ConditionFalse || !strings.Contains(ready.Message, "first") {
		t.Errorf("Ready=%s: %s; want False, and who owns the object", ready.Status, ready.Message)
	}
	if diff := cmp.Diff(before, s.resourceVersions(t)); diff != "" {
		t.Errorf("objects' versions (-want +got):\n%s", diff)
	}
}

// The API server says no to what people create by hand, with the same rules.
func TestTheAPIServerRefusesABadPipeline(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	job := script("say", "true")
	job.Template.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	err := s.Client.Create(s.ctx, s.pipeline("bad", job))
	if err == nil || !strings.Contains(err.Error(), "restartPolicy must be Never") {
		t.Errorf("err = %v, want a refusal of the restartPolicy", err)
	}
	s.create(t, s.pipeline("good", script("say", "true")))
	var pipeline v1alpha1.Pipeline
	s.get(t, "good", &pipeline)
	if pipeline.UID == types.UID("") || pipeline.Spec.Retention == nil {
		t.Errorf("the Pipeline has no default retention: %+v", pipeline.Spec)
	}
}
