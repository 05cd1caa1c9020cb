package queue_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

type option func(*v1alpha1.Run)

// run is a Run of that second that nobody has looked at.
func run(name string, second int, options ...option) v1alpha1.Run {
	r := v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{
		Name: name, CreationTimestamp: metav1.Time{Time: time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC)},
	}}
	for _, o := range options {
		o(&r)
	}
	return r
}

// of records the key.
func of(key string) option {
	return func(r *v1alpha1.Run) {
		r.Status.Phase, r.Status.Concurrency = v1alpha1.RunQueued, &v1alpha1.ConcurrencyStatus{Key: key}
	}
}

func at(position int32) option {
	return func(r *v1alpha1.Run) { r.Status.Concurrency.Position = position }
}

func replacedBy(name string) option {
	return func(r *v1alpha1.Run) { r.Status.Concurrency.ReplacedBy = name }
}

// as is the Run's version at its creation, recorded with its status.
func as(version string) option {
	return func(r *v1alpha1.Run) { r.Status.CreatedVersion = version }
}

func in(phase v1alpha1.RunPhase) option {
	return func(r *v1alpha1.Run) { r.Status.Phase = phase }
}

// numbered: something was made of the Run.
func numbered(r *v1alpha1.Run) { r.Status.Number = 1 }

// by is the Run's Pipeline.
func by(pipeline string) option {
	return func(r *v1alpha1.Run) { r.Spec.Pipeline = pipeline }
}

// inGroup has its recorded key be a group's.
func inGroup(r *v1alpha1.Run) { r.Status.Concurrency.Group = "all" }

func admitted(r *v1alpha1.Run)  { r.Status.Concurrency.Admitted = true }
func released(r *v1alpha1.Run)  { r.Status.Concurrency.Released = true }
func cancelled(r *v1alpha1.Run) { r.Spec.Cancelled = true }
func deleting(r *v1alpha1.Run)  { r.DeletionTimestamp = &metav1.Time{} }

// TestDecide asks for the place of the Run m, created in second 5, among others.
func TestDecide(t *testing.T) {
	t.Parallel()
	const queued, replace, skip = v1alpha1.ConcurrencyQueue, v1alpha1.ConcurrencyReplace, v1alpha1.ConcurrencySkip
	main := of("main")
	for _, tt := range []struct {
		name   string
		run    []option
		limit  int
		policy v1alpha1.ConcurrencyPolicy
		others []v1alpha1.Run
		keys   map[string]string
		want   queue.Place
	}{
		{name: "alone", want: queue.Place{Key: "main", Admitted: true}},
		{name: "one runs", others: []v1alpha1.Run{run("a", 1, main, admitted)}, want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"a"}}},
		{name: "one of another key runs", others: []v1alpha1.Run{run("a", 1, of("other"), admitted)}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "one has ended", others: []v1alpha1.Run{run("a", 1, main, admitted, in("Failed"))}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "a newer one runs", others: []v1alpha1.Run{run("z", 9, main, admitted)}, want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"z"}}},
		{name: "a newer one waits", others: []v1alpha1.Run{run("z", 9, main)}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "an older one waits", others: []v1alpha1.Run{run("a", 1, main)}, want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"a"}}},
		{
			name: "one runs, two wait", others: []v1alpha1.Run{run("b", 2, main), run("c", 3, main), run("a", 1, main, admitted)},
			want: queue.Place{Key: "main", Position: 3, InTheWay: []string{"a"}},
		},
		{name: "the same second, by name", others: []v1alpha1.Run{run("a", 5, main), run("z", 5, main)}, want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"a"}}},
		{
			name: "the same second, by version", run: []option{main, as("99")}, others: []v1alpha1.Run{run("a", 5, main, as("100")), run("z", 5, main, as("98"))},
			want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"z"}},
		},
		{name: "room for two", limit: 2, others: []v1alpha1.Run{run("a", 1, main, admitted)}, want: queue.Place{Key: "main", Admitted: true}},
		{
			name: "room for two, one waits", limit: 2, others: []v1alpha1.Run{run("a", 1, main, admitted), run("b", 2, main)},
			want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"a", "b"}},
		},
		{
			name: "the limit was higher once", others: []v1alpha1.Run{run("a", 1, main, admitted), run("b", 2, main, admitted)},
			want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"a", "b"}},
		},
		{name: "admitted before", run: []option{main, admitted}, others: []v1alpha1.Run{run("a", 1, main, admitted)}, want: queue.Place{Key: "main", Admitted: true}},

		{name: "an older one that nobody has looked at", others: []v1alpha1.Run{run("a", 1)}, keys: map[string]string{"a": "main"}, want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"a"}}},
		{name: "the same, of another key", others: []v1alpha1.Run{run("a", 1)}, keys: map[string]string{"a": "other"}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "the same, without a key", others: []v1alpha1.Run{run("a", 1)}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "one that nothing bounds runs", others: []v1alpha1.Run{run("a", 1, in("Running"))}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "one that waits was cancelled", others: []v1alpha1.Run{run("a", 1, main, cancelled)}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "one that waits is being deleted", others: []v1alpha1.Run{run("a", 1, main, deleting)}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "one that runs was cancelled", others: []v1alpha1.Run{run("a", 1, main, admitted, cancelled)}, want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"a"}}},
		{name: "one that runs is being deleted", others: []v1alpha1.Run{run("a", 1, main, admitted, deleting)}, want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"a"}}},

		{name: "replace: waits", policy: replace, others: []v1alpha1.Run{run("a", 1, main, admitted)}, want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"a"}}},
		{
			name: "replace: a newer one came", policy: replace, run: []option{main, admitted}, others: []v1alpha1.Run{run("z", 9, main)},
			want: queue.Place{Key: "main", Admitted: true, ReplacedBy: "z", RestsOn: []string{"z"}},
		},
		{
			name: "replace: one of the same second came", policy: replace, run: []option{main, admitted, as("99")}, others: []v1alpha1.Run{run("a", 5, main, as("100"))},
			want: queue.Place{Key: "main", Admitted: true, ReplacedBy: "a", RestsOn: []string{"a"}},
		},
		{
			name: "replace: one of the same second runs", policy: replace, run: []option{main, as("100")}, others: []v1alpha1.Run{run("z", 5, main, admitted, as("99"))},
			want: queue.Place{Key: "main", Position: 1, InTheWay: []string{"z"}},
		},
		{
			name: "replace: newer ones came while it waited", policy: replace, run: []option{main, at(1)},
			others: []v1alpha1.Run{run("a", 1, main, admitted), run("y", 8, main), run("z", 9, main)},
			want:   queue.Place{Key: "main", ReplacedBy: "z", RestsOn: []string{"z"}},
		},
		{
			name: "replace: three came where two have room", policy: replace, limit: 2, run: []option{main, admitted},
			others: []v1alpha1.Run{run("z", 9, main), run("x", 7, main), run("y", 8, main)},
			want:   queue.Place{Key: "main", Admitted: true, ReplacedBy: "z", RestsOn: []string{"y", "z"}},
		},
		{
			name: "replace: places for two", policy: replace, limit: 2, run: []option{main, admitted}, others: []v1alpha1.Run{run("z", 9, main)},
			want: queue.Place{Key: "main", Admitted: true},
		},
		{
			name: "replace: what is recorded stays", policy: replace, run: []option{main, admitted, replacedBy("z")}, others: []v1alpha1.Run{run("z", 9, main, in("Failed"))},
			want: queue.Place{Key: "main", Admitted: true, ReplacedBy: "z"},
		},
		{
			name: "replace: the newer one was cancelled", policy: replace, run: []option{main, admitted}, others: []v1alpha1.Run{run("z", 9, main, cancelled)},
			want: queue.Place{Key: "main", Admitted: true},
		},
		{
			name: "replace: the newer one has no key yet", policy: replace, run: []option{main, admitted}, others: []v1alpha1.Run{run("z", 9)},
			want: queue.Place{Key: "main", Admitted: true},
		},
		{name: "queue: a newer one came", policy: queued, run: []option{main, admitted}, others: []v1alpha1.Run{run("z", 9, main)}, want: queue.Place{Key: "main", Admitted: true}},

		{name: "skip: room", policy: skip, others: []v1alpha1.Run{run("z", 9, main)}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "skip: no room", policy: skip, others: []v1alpha1.Run{run("a", 1, main, admitted)}, want: queue.Place{Key: "main", Skipped: true, InTheWay: []string{"a"}, RestsOn: []string{"a"}}},
		{
			name: "skip: an older one is about to run", policy: skip, others: []v1alpha1.Run{run("a", 5)}, keys: map[string]string{"a": "main"},
			want: queue.Place{Key: "main", Skipped: true, InTheWay: []string{"a"}, RestsOn: []string{"a"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := run("m", 5, tt.run...)
			locks := map[string]queue.Lock{}
			for name, key := range tt.keys {
				locks[name] = queue.Lock{Key: key}
			}
			c := queue.Candidate{Run: &m, Lock: queue.Lock{Key: "main"}, Limit: max(tt.limit, 1), Policy: tt.policy}
			for _, runs := range [][]v1alpha1.Run{tt.others, append([]v1alpha1.Run{m}, tt.others...)} {
				if diff := cmp.Diff(tt.want, queue.Decide(c, runs, locks)); diff != "" {
					t.Errorf("among %d Runs (-want +got):\n%s", len(runs), diff)
				}
			}
		})
	}
}

// Runs of several Pipelines compete in a group, each by its own limit and policy.
func TestDecideInAGroup(t *testing.T) {
	t.Parallel()
	main, grouped := of("main"), queue.NewLock("web", "all", "main")
	for _, tt := range []struct {
		name   string
		lock   queue.Lock
		limit  int
		policy v1alpha1.ConcurrencyPolicy
		other  v1alpha1.Run
		locks  map[string]queue.Lock
		want   queue.Place
	}{
		{
			name: "one of another Pipeline runs", lock: grouped, other: run("a", 1, by("app"), main, inGroup, admitted),
			want: queue.Place{Key: "main", Group: "all", Position: 1, InTheWay: []string{"a of pipeline app"}},
		},
		{
			name: "one of the same Pipeline runs", lock: grouped, other: run("a", 1, by("web"), main, inGroup, admitted),
			want: queue.Place{Key: "main", Group: "all", Position: 1, InTheWay: []string{"a"}},
		},
		{
			name: "one of the same key, and of no group", lock: grouped, other: run("a", 1, by("web"), main, admitted),
			want: queue.Place{Key: "main", Group: "all", Admitted: true},
		},
		{
			name: "it is of no group itself", lock: queue.NewLock("web", "", "main"), other: run("a", 1, by("web"), main, inGroup, admitted),
			want: queue.Place{Key: "main", Admitted: true},
		},
		{
			name: "two Pipelines without a group", lock: queue.NewLock("web", "", "main"), other: run("a", 1, by("app"), main, admitted),
			want: queue.Place{Key: "main", Admitted: true},
		},
		{
			name: "an older one that nobody has looked at", lock: grouped, other: run("a", 1, by("app")),
			locks: map[string]queue.Lock{"a": queue.NewLock("app", "all", "main")},
			want:  queue.Place{Key: "main", Group: "all", Position: 2, InTheWay: []string{"a of pipeline app"}},
		},
		{
			name: "a higher limit", lock: grouped, limit: 2, other: run("a", 1, by("app"), main, inGroup, admitted),
			want: queue.Place{Key: "main", Group: "all", Admitted: true},
		},
		{
			name: "skip", lock: grouped, policy: v1alpha1.ConcurrencySkip, other: run("a", 1, by("app"), main, inGroup, admitted),
			want: queue.Place{Key: "main", Group: "all", Skipped: true, InTheWay: []string{"a of pipeline app"}, RestsOn: []string{"a"}},
		},
		{
			name: "replace", lock: grouped, policy: v1alpha1.ConcurrencyReplace, other: run("z", 9, by("app"), main, inGroup),
			want: queue.Place{Key: "main", Group: "all", ReplacedBy: "z", RestsOn: []string{"z"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := run("m", 5, by("web"))
			c := queue.Candidate{Run: &m, Lock: tt.lock, Limit: max(tt.limit, 1), Policy: tt.policy}
			if diff := cmp.Diff(tt.want, queue.Decide(c, []v1alpha1.Run{m, tt.other}, tt.locks)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What is left of deleted Runs has places, and goes before those who wait.
func TestDecideBesideDeletedRuns(t *testing.T) {
	t.Parallel()
	main := of("main")
	for _, tt := range []struct {
		name    string
		run     []option
		limit   int
		policy  v1alpha1.ConcurrencyPolicy
		deleted []string
		others  []v1alpha1.Run
		want    queue.Place
	}{
		{name: "it waits", deleted: []string{"x"}, want: queue.Place{Key: "main", Position: 1, Deleted: []string{"x"}}},
		{name: "room for two", limit: 2, deleted: []string{"x"}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "two, and room for two", limit: 2, deleted: []string{"x", "y"}, want: queue.Place{Key: "main", Position: 1, Deleted: []string{"x", "y"}}},
		{
			name: "one waits, too", deleted: []string{"x"}, others: []v1alpha1.Run{run("a", 1, main)},
			want: queue.Place{Key: "main", Position: 2, Deleted: []string{"x"}},
		},
		{
			name: "room for two, one runs", limit: 2, deleted: []string{"x"}, others: []v1alpha1.Run{run("a", 1, main, admitted), run("b", 2, main)},
			want: queue.Place{Key: "main", Position: 2, InTheWay: []string{"a"}, Deleted: []string{"x"}},
		},
		{name: "admitted before", run: []option{main, admitted}, deleted: []string{"x"}, want: queue.Place{Key: "main", Admitted: true}},
		{name: "skip", policy: v1alpha1.ConcurrencySkip, deleted: []string{"x"}, want: queue.Place{Key: "main", Skipped: true, Deleted: []string{"x"}}},
		{
			name: "replaced", policy: v1alpha1.ConcurrencyReplace, deleted: []string{"x"}, others: []v1alpha1.Run{run("z", 9, main)},
			want: queue.Place{Key: "main", ReplacedBy: "z", RestsOn: []string{"z"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := run("m", 5, tt.run...)
			c := queue.Candidate{Run: &m, Lock: queue.Lock{Key: "main"}, Limit: max(tt.limit, 1), Policy: tt.policy, Deleted: tt.deleted}
			if diff := cmp.Diff(tt.want, queue.Decide(c, tt.others, nil)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUnrecorded(t *testing.T) {
	t.Parallel()
	m := run("m", 5)
	var got []string
	for _, found := range queue.Unrecorded(&m, []v1alpha1.Run{
		run("a", 5), run("z", 4), m, run("z", 5), run("b", 1, of("x")), run("c", 1, in("Running"), numbered), run("g", 2, in("Queued")), run("d", 1, in("Failed")),
		run("e", 1, cancelled), run("f", 1, deleting),
	}) {
		got = append(got, found.Name)
	}
	if diff := cmp.Diff([]string{"a", "z", "g"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// line is a queue of n Runs before the news that its first has left have come.
func line(n int) []v1alpha1.Run {
	var runs []v1alpha1.Run
	for i := range n {
		position := i + 2
		if position > 10 {
			position = (position + 9) / 10 * 10
		}
		runs = append(runs, run(string(rune('a'+i/26))+string(rune('a'+i%26)), 10, of("main"), at(int32(position))))
	}
	return runs
}

func TestPositionsAreRounded(t *testing.T) {
	t.Parallel()
	got := map[int]int32{}
	for _, before := range []int{0, 8, 9, 10, 18, 19, 20, 99, 100, 250} {
		last := run("zz", 20)
		c := queue.Candidate{Run: &last, Lock: queue.Lock{Key: "main"}, Limit: 1}
		got[before] = queue.Decide(c, append(line(before), run("first", 1, of("main"), admitted)), nil).Position
	}
	want := map[int]int32{0: 1, 8: 9, 9: 10, 10: 20, 18: 20, 19: 20, 20: 30, 99: 100, 100: 200, 250: 300}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("position behind so many (-want +got):\n%s", diff)
	}
}

func TestWake(t *testing.T) {
	t.Parallel()
	main, other := of("main"), of("other")
	for _, tt := range []struct {
		name    string
		changed v1alpha1.Run
		runs    []v1alpha1.Run
		want    []string
	}{
		{
			name: "its own key", changed: run("m", 5, main, admitted, in("Succeeded")),
			runs: []v1alpha1.Run{
				run("m", 5, main, admitted, in("Succeeded")), run("a", 6, main, at(1)), run("b", 7, other, at(1)), run("c", 1, main, in("Failed")),
				run("d", 1), run("e", 1, in("Running"), numbered), run("f", 1, in("Queued")),
			},
			want: []string{"d", "f", "a"},
		},
		{
			name: "any key, of one that had none", changed: run("m", 5, in("Failed")),
			runs: []v1alpha1.Run{run("a", 6, main, at(2)), run("b", 7, other, at(1))}, want: []string{"a", "b"},
		},
		{
			name: "its group, in all Pipelines", changed: run("m", 5, by("web"), main, inGroup, admitted),
			runs: []v1alpha1.Run{run("a", 6, by("app"), main, inGroup, at(1)), run("b", 6, by("web"), main, at(1)), run("c", 6, by("web"), other, inGroup, at(1))},
			want: []string{"a"},
		},
		{
			name: "any group, of one that had no key", changed: run("m", 5, by("web"), in("Failed")),
			runs: []v1alpha1.Run{run("a", 6, by("app"), main, inGroup, at(1)), run("b", 6, by("app"), main, at(1)), run("c", 6, by("web"), main, at(1))},
			want: []string{"a", "c"},
		},
		{
			name: "who waits for approvals", changed: run("m", 5, main, admitted),
			runs: []v1alpha1.Run{run("a", 1, main, released), run("b", 6, main, at(1))}, want: []string{"a", "b"},
		},
		{name: "what runs", changed: run("m", 5, main), runs: []v1alpha1.Run{run("a", 1, main, admitted)}, want: []string{"a"}},
		{
			name: "the front of a long line, and who has moved", changed: run("m", 5, main, admitted, in("Succeeded")), runs: line(32),
			want: []string{"aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj", "at", "bd"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, woken := range queue.Wake(&tt.changed, tt.runs) {
				got = append(got, woken.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	short, long := strings.Repeat("a", 253), strings.Repeat("ä", 200)
	if got := queue.Key(short); got != short {
		t.Errorf("a key of 253 bytes became %q", got)
	}
	got := queue.Key(long)
	if len(got) > 253 || !utf8.ValidString(got) || !strings.HasPrefix(got, "ää") {
		t.Errorf("a key of 400 bytes became %q", got)
	}
	if other := queue.Key(long + "b"); other == got {
		t.Error("two long keys became one")
	}
}
