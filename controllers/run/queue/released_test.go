package queue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// A Run that waits for approvals alone is in nobody's way, and takes its turn
// again by its age.
func TestDecideAboutReleasedRuns(t *testing.T) {
	t.Parallel()
	const replace, skip = v1alpha1.ConcurrencyReplace, v1alpha1.ConcurrencySkip
	main := of("main")
	for _, tt := range []struct {
		name   string
		run    []option
		idle   bool
		policy v1alpha1.ConcurrencyPolicy
		others []v1alpha1.Run
		want   queue.Place
	}{
		{name: "an older one is idle", others: []v1alpha1.Run{run("a", 1, main, released)}, want: queue.Place{Key: "main", Admitted: true}},
		{
			name: "an older one wants a place again", others: []v1alpha1.Run{run("a", 1, main, released, at(1))},
			want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"a"}},
		},
		{name: "it is idle, and there is room", run: []option{main, released}, idle: true, want: queue.Place{Key: "main", Released: true}},
		{name: "it wants a place", run: []option{main, released}, want: queue.Place{Key: "main", Admitted: true}},
		{
			name: "it wants a place that a newer one has", run: []option{main, released}, others: []v1alpha1.Run{run("z", 9, main, admitted)},
			want: queue.Place{Key: "main", Released: true, Position: 1, InTheWay: []string{"z"}},
		},
		{
			name: "skip: it has begun, and waits", run: []option{main, released}, policy: skip, others: []v1alpha1.Run{run("z", 9, main, admitted)},
			want: queue.Place{Key: "main", Released: true, Position: 1, InTheWay: []string{"z"}},
		},
		{
			name: "replace: a newer one came", run: []option{main, released}, idle: true, policy: replace, others: []v1alpha1.Run{run("z", 9, main)},
			want: queue.Place{Key: "main", Released: true, ReplacedBy: "z", RestsOn: []string{"z"}},
		},
		{
			name: "replace: it has something to clean up", run: []option{main, released, replacedBy("z")}, policy: replace,
			others: []v1alpha1.Run{run("z", 9, main, admitted)},
			want:   queue.Place{Key: "main", Released: true, ReplacedBy: "z", Position: 1, InTheWay: []string{"z"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := run("m", 5, tt.run...)
			c := queue.Candidate{Run: &m, Lock: queue.Lock{Key: "main"}, Limit: 1, Policy: tt.policy, Idle: tt.idle}
			if diff := cmp.Diff(tt.want, queue.Decide(c, tt.others, nil)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
