package examples_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/render"
)

// childArgument has this test binary act as the child process that evaluates.
const childArgument = "evaluate-as-child"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		if err := render.EvaluateCommand(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Each folder alone, and all of them together, is a config repository.
func TestExamplesRender(t *testing.T) {
	want := map[string][]string{
		"approval":     {"Pipeline/approval", "Trigger/approval"},
		"concurrency":  {"Pipeline/concurrency", "Trigger/concurrency"},
		"dependencies": {"Pipeline/dependencies", "Trigger/dependencies"},
		"diamond":      {"Pipeline/diamond", "Trigger/diamond"},
		"finally":      {"Pipeline/finally", "Trigger/finally"},
		"go-artifacts": {"Pipeline/go-artifacts", "Trigger/go-artifacts"},
		"go-build":     {"Pipeline/go-build", "Trigger/go-build"},
		"hello-world":  {"Pipeline/hello-world", "Trigger/hello-world"},
		"images":       {"Pipeline/check-image", "Trigger/distribution", "Trigger/dockerhub", "Trigger/harbor", "Trigger/quay"},
		"limits":       {"Pipeline/limits", "Trigger/limits"},
		"matrix":       {"Pipeline/matrix", "Trigger/matrix"},
		"poll":         {"Pipeline/release", "Trigger/release", "Trigger/releases"},
		"resource":     {"Pipeline/roll-out", "Trigger/roll-out", "Trigger/settings"},
		"schedule":     {"Pipeline/nightly", "Trigger/by-hand", "Trigger/nightly"},
		"promotion":    {"Pipeline/build", "Pipeline/deploy", "Trigger/build", "Trigger/deploy"},
		"services":     {"Pipeline/services", "Trigger/services"},
		"artifacts":    {"Pipeline/artifacts", "Trigger/artifacts"},
		"cache":        {"Pipeline/cache", "Trigger/cache"},
		"workspace":    {"Pipeline/workspace", "Trigger/workspace"},
		"conditions":   {"Pipeline/conditions", "Trigger/conditions"},
		"notifiers":    {"Pipeline/notifiers", "Trigger/notifiers"},
		"outputs":      {"Pipeline/outputs", "Trigger/outputs"},
		"parameters":   {"Pipeline/parameters", "Trigger/parameters"},
	}
	entries, err := filepath.Glob("*/*.jsonnet")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	together := 0
	for _, entry := range entries {
		got[filepath.Dir(entry)] = rendered(t, filepath.Dir(entry))
		together += len(got[filepath.Dir(entry)])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects of the examples (-want +got):\n%s", diff)
	}
	if all := rendered(t, "."); len(all) != together {
		t.Errorf("all examples together render %v", all)
	}
}

// rendered returns Kind/name of what the folder renders, and fails the test if
// admission would refuse any of it.
func rendered(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	for _, object := range objects(t, folder) {
		names = append(names, object.Object.GetObjectKind().GroupVersionKind().Kind+"/"+object.Object.GetName())
		var problems field.ErrorList
		switch o := object.Object.(type) {
		case *v1alpha1.Pipeline:
			problems = validation.Pipeline(o)
		case *v1alpha1.Trigger:
			problems = validation.Trigger(o)
		}
		if err := problems.ToAggregate(); err != nil {
			t.Errorf("%s: %v", object.File, err)
		}
	}
	return names
}

// objects are what the folder renders.
func objects(t *testing.T, folder string) []render.Object {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := render.Render(ctx, render.Options{Dir: folder, Namespace: "ci", Store: "http://kayci-store.kayci.svc", Exec: []string{self, childArgument}})
	if err != nil {
		t.Fatal(err)
	}
	return result.Objects
}
