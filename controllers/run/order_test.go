package run_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Runs that have waited for what they need to have a key get their places by age,
// whichever of them looks first.
func TestOrderOfRunsThatWaitedForTheirPipeline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		policy v1alpha1.ConcurrencyPolicy
		late   bool // The Pipeline comes after its Runs.
		newer  string
	}{
		"defaults, Queue": {v1alpha1.ConcurrencyQueue, false, `Queued Queued: position 2 of key "main"; waits for older`},
		"defaults, Skip":  {v1alpha1.ConcurrencySkip, false, `Cancelled Skipped: skipped: no place for another run of key "main" beside older`},
		"Pipeline, Queue": {v1alpha1.ConcurrencyQueue, true, `Queued Queued: position 2 of key "main"; waits for older`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := bounded(tc.policy, 1)
			older, newer := handmade("older", "web"), handmade("newer", "web")
			older.UID = "older-uid"
			for _, run := range []*v1alpha1.Run{older, newer} {
				run.Spec.Params = map[string]string{"branch": "main"}
			}
			older.CreationTimestamp = metav1.NewTime(newer.CreationTimestamp.Add(-time.Minute))
			var w *installed
			if tc.late {
				w = newInstalled(t, "metadata: {labels: {a: b}}", older, newer)
			} else {
				w = newInstalled(t, faulty, p, older, newer)
			}
			w.mustReconcile("older")
			w.mustReconcile("newer")
			if tc.late {
				if err := w.live.Create(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			} else {
				w.say("metadata: {labels: {a: b}}")
			}
			w.mustReconcile("newer")
			w.mustReconcile("older")
			want := map[string]string{"older": goesOn, "newer": tc.newer}
			if diff := cmp.Diff(want, w.seen("older", "newer")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
