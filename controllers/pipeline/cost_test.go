package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A look at a Pipeline reads as much whether it has kept no finished Run or many, be
// they within its bounds or beyond them and not old enough: also the look at which
// one of them expires.
func TestFinishedRunsCostNothing(t *testing.T) {
	t.Parallel()
	for name, bounds := range map[string]v1alpha1.Retention{
		"within the bounds": {MaxAge: &metav1.Duration{Duration: 24 * time.Hour}},
		"too young":         {MaxCount: ptr.To[int32](1), MinAge: &metav1.Duration{Duration: 24 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := costs(t, &bounds, 0), costs(t, &bounds, 1000)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("looks with 1,000 finished Runs (-with none +got):\n%s", diff)
			}
		})
	}
}

// costs returns how many objects looks at a Pipeline read that keeps so many
// finished Runs.
func costs(t *testing.T, bounds *v1alpha1.Retention, kept int) map[string]int {
	t.Helper()
	p := web()
	p.Spec.Retention = bounds
	objects := []client.Object{p, revision.New(web(), 1)}
	for i := range kept {
		objects = append(objects, numbered(i))
	}
	ends, expires := numbered(kept), numbered(kept+1)
	ends.Status.Phase, ends.Status.CompletionTime = v1alpha1.RunRunning, nil
	expires.CreationTimestamp = metav1.NewTime(expires.CreationTimestamp.Add(-25 * time.Hour))
	w := newWorld(t, append(objects, ends)...)
	w.watch()
	cost := map[string]int{}
	look := func(name string) {
		w.pass(time.Second)
		w.watch()
		w.listed = 0
		if _, err := w.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ci", Name: "web"}}); err != nil {
			t.Fatal(err)
		}
		cost[name] = w.listed
	}
	look("the first")
	look("nothing has changed")
	ended := numbered(kept)
	if err := w.live.Status().Patch(t.Context(), ended, client.Merge); err != nil {
		t.Fatal(err)
	}
	look("a Run has ended")
	if err := w.live.Create(t.Context(), expires); err != nil {
		t.Fatal(err)
	}
	look("a Run has expired")
	if n := len(w.runs()); n != kept+1 {
		t.Errorf("%d Runs, want %d", n, kept+1)
	}
	return cost
}

// numbered is a Run that ended a moment after it was made, in the order of numbers.
func numbered(i int) *v1alpha1.Run {
	r := run(fmt.Sprintf("r%d", i), int64(i+1), v1alpha1.RunSucceeded)
	r.CreationTimestamp = metav1.NewTime(time.Date(2026, 3, 1, 11, 0, i, 0, time.UTC))
	r.Status.CompletionTime = &r.CreationTimestamp
	return r
}
