package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
)

func TestAncestors(t *testing.T) {
	t.Parallel()
	jobs := []v1alpha1.Job{
		{Name: "a"},
		{Name: "b", Needs: []string{"a"}},
		{Name: "c"},
		{Name: "d", Needs: []string{"b"}},
		{Name: "e", Needs: []string{"d", "c"}},
		{Name: "f", Needs: []string{"a"}},
		{Name: "g", Needs: []string{"h", "ghost", "g"}},
		{Name: "h", Needs: []string{"g"}},
		{Name: "i", Finally: true},
		{Name: "j", Finally: true},
		{Name: "k", Finally: true, Needs: []string{"i"}},
	}
	others := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for name, want := range map[string][]string{
		"a": nil, "b": {"a"}, "c": nil, "d": {"a", "b"}, "e": {"a", "b", "c", "d"}, "f": {"a"}, "g": nil, "h": {"g"}, "ghost": nil,
		"i": others, "j": others, "k": append(others, "i"),
	} {
		if diff := cmp.Diff(want, graph.Ancestors(jobs, name)); diff != "" {
			t.Errorf("ancestors of %s (-want +got):\n%s", name, diff)
		}
	}
}
