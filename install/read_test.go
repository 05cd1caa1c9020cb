package install_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kayci/kayci/install"
)

func TestReadReturnsTheWholeItems(t *testing.T) {
	got, err := install.Read([]byte(`
apiVersion: kayci.dev/v1alpha1
kind: ConfigRepoList
items:
- apiVersion: kayci.dev/v1alpha1
  kind: ConfigRepo
  metadata: {name: a, namespace: ci, labels: {team: web}}
  spec: {url: "https://git.example.com/a.git", unknown: 1}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []*unstructured.Unstructured{{Object: map[string]any{
		"apiVersion": "kayci.dev/v1alpha1",
		"kind":       "ConfigRepo",
		"metadata":   map[string]any{"name": "a", "namespace": "ci", "labels": map[string]any{"team": "web"}},
		"spec":       map[string]any{"url": "https://git.example.com/a.git", "unknown": float64(1)},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	const head = "apiVersion: kayci.dev/v1alpha1\nkind: ConfigRepoList\n"
	const repo = "- {apiVersion: kayci.dev/v1alpha1, kind: ConfigRepo, metadata: {name: a, namespace: ci}}\n"
	tests := map[string]struct{ input, want string }{
		"no YAML":            {"{", "parse the list"},
		"another kind":       {"apiVersion: v1\nkind: List", `not "List" of "v1"`},
		"an unknown field":   {head + "item: []", `unknown field "item"`},
		"an item of v1":      {head + "items: [{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}}]", "items[0]: is no ConfigRepo"},
		"no namespace":       {head + "items: [{apiVersion: kayci.dev/v1alpha1, kind: ConfigRepo, metadata: {name: a}}]", "items[0]: needs metadata.name and metadata.namespace"},
		"the same one twice": {head + "items:\n" + repo + repo, "items[1]: ci/a is listed twice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := install.Read([]byte(tt.input))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
