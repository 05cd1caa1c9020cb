package chart_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/install"
)

// TestServerAcceptsEveryRendering applies each rendering in a server-side dry
// run, which checks types, names and values, and refuses unknown fields.
func TestServerAcceptsEveryRendering(t *testing.T) {
	s := startServer(t, filepath.Join(chartFolder, "files", "crds"), "testdata")
	files, err := filepath.Glob("values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values to render: %v", err)
	}
	for _, file := range files {
		for _, upgrade := range []bool{false, true} {
			name, args := strings.TrimSuffix(filepath.Base(file), ".yaml"), []string{
				"template", release, chartFolder, "--values", file, "--kube-version", s.version,
			}
			if upgrade {
				name, args = name+" upgraded", append(args, "--is-upgrade")
			}
			t.Run(name, func(t *testing.T) {
				for _, object := range decode(t, s.helm(t, args...)) {
					s.rehearse(t, object)
				}
			})
		}
	}
}

// TestHelmsRenderTheSame: what the server accepts of one, it accepts of the other.
func TestHelmsRenderTheSame(t *testing.T) {
	files, err := filepath.Glob("values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no values to render: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			var rendered [][]*unstructured.Unstructured
			for _, program := range []string{helm3, helm4} {
				out, err := helm(t, program, "template", release, chartFolder, "--values", file, "--kube-version", "v1.31.0")
				if err != nil {
					t.Fatal(err)
				}
				rendered = append(rendered, decode(t, out))
			}
			// They sort kinds that neither knows in ways of their own.
			byName := cmpopts.SortSlices(func(a, b *unstructured.Unstructured) bool {
				return a.GetKind()+"/"+a.GetName() < b.GetKind()+"/"+b.GetName()
			})
			if diff := cmp.Diff(rendered[0], rendered[1], byName); diff != "" {
				t.Errorf("objects (-helm 3 +helm 4):\n%s", diff)
			}
		})
	}
}

// rehearse checks an object, and what is within it: the pod of a template, the
// ConfigRepos of the hook's ConfigMap.
func (s *server) rehearse(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	s.dryRun(t, object.DeepCopy())
	switch object.GetKind() {
	case "Deployment", "Job":
		s.dryRun(t, podOf(t, object))
	case "ConfigMap":
		data, found, err := unstructured.NestedString(object.Object, "data", "configrepos.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return // one of extraObjects
		}
		repos, err := install.Read([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, repo := range repos {
			s.dryRun(t, repo)
		}
	}
}

func (s *server) dryRun(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	what := object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
	err := s.client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object),
		client.DryRunAll, client.ForceOwnership, client.FieldOwner("chart-test"))
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func podOf(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	template, found, err := unstructured.NestedMap(object.Object, "spec", "template")
	if err != nil || !found {
		t.Fatalf("%s %s has no pod template: %v", object.GetKind(), object.GetName(), err)
	}
	pod := &unstructured.Unstructured{Object: template}
	pod.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	pod.SetNamespace(object.GetNamespace())
	pod.SetName(object.GetName())
	return pod
}

func decode(t *testing.T, manifests []byte) []*unstructured.Unstructured {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := map[string]any{}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("decode a rendering: %v", err)
		}
		if len(object) > 0 {
			objects = append(objects, &unstructured.Unstructured{Object: runtime.DeepCopyJSON(object)})
		}
	}
}
