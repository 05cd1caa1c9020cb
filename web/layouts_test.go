package web

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
)

// TestLayouts: what is arranged alike is arranged once.
func TestLayouts(t *testing.T) {
	t.Parallel()
	jobs := []v1alpha1.Job{{Name: "lint"}, {Name: "build", Needs: []string{"lint"}}, {Name: "report", Finally: true}}
	var matrix []v1alpha1.Job
	for i := range 8 {
		matrix = append(matrix, v1alpha1.Job{Name: fmt.Sprintf("test-%d", i)})
	}
	changed := []v1alpha1.Job{{Name: "lint"}, {Name: "build"}, {Name: "report", Finally: true}}
	early := []v1alpha1.Job{{Name: "lint"}, {Name: "build", Needs: []string{"lint"}}, {Name: "report"}}
	asking := slices.Clone(matrix)
	asking[3].Approval = &v1alpha1.JobApproval{}
	sometimes := slices.Clone(matrix)
	sometimes[3].If = "params.all == 'yes'"
	l := newLayouts()
	seen := map[*graph.Box]string{}
	for _, tt := range []struct {
		name string
		jobs []v1alpha1.Job
		open []string
	}{{"jobs", jobs, nil}, {"other needs", changed, nil}, {"no finally", early, nil}, {"folded", matrix, nil}, {"open", matrix, []string{"test-1"}}, {"asking", asking, nil}, {"a condition", sometimes, nil}} {
		first, err := l.of(tt.jobs, tt.open)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(graph.Arrange(tt.jobs, tt.open...), first); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if other := seen[&first.Boxes[0]]; other != "" {
			t.Errorf("%s has the layout of %s", tt.name, other)
		}
		seen[&first.Boxes[0]] = tt.name
		again, err := l.of(slices.Clone(tt.jobs), tt.open)
		if err != nil {
			t.Fatal(err)
		}
		if &again.Boxes[0] != &first.Boxes[0] {
			t.Errorf("%s is arranged twice", tt.name)
		}
	}
}
