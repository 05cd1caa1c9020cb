package order_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

func run(name string, second int, version string, change ...func(*v1alpha1.Run)) *v1alpha1.Run {
	r := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{
		Name: name, ResourceVersion: version, CreationTimestamp: metav1.NewTime(time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC)),
	}}
	for _, c := range change {
		c(r)
	}
	return r
}

// seen is a Run whose first version was recorded with its status.
func seen(version string) func(*v1alpha1.Run) {
	return func(r *v1alpha1.Run) { r.Status.Phase, r.Status.CreatedVersion = v1alpha1.RunQueued, version }
}

func noted(version string) func(*v1alpha1.Run) {
	return func(r *v1alpha1.Run) {
		r.Annotations = map[string]string{v1alpha1.CreatedVersionAnnotation: version}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	ordered := []*v1alpha1.Run{
		run("z", 1, "900"),
		run("of-an-earlier-release", 2, "950", func(r *v1alpha1.Run) { r.Status.Phase = v1alpha1.RunRunning }),
		run("y", 2, "99"), // unseen
		run("x", 2, "930", seen("100")),
		run("w", 2, "101"),
		run("v", 2, "940", noted("102")),
		run("u", 2, "950", noted("102"), seen("103")), // what is recorded counts
		run("t", 2, "104", noted("junk")),
		run("a", 2, "1000"), // as numbers, not as text
		run("b", 2, "1000"),
		run("nothing", 3, ""),
		run("c", 3, "1"),
	}
	var want []string
	for _, r := range ordered {
		want = append(want, r.Name)
	}
	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same numbers each time
	for range 50 {
		rng.Shuffle(len(ordered), func(i, j int) { ordered[i], ordered[j] = ordered[j], ordered[i] })
		slices.SortFunc(ordered, order.Compare)
		var got []string
		for _, r := range ordered {
			got = append(got, r.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("order (-want +got):\n%s", diff)
		}
	}
}
