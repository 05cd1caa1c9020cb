package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// TestPlace compares what becomes of a Run of the jobs a and b, which needs a,
// in each place.
func TestPlace(t *testing.T) {
	t.Parallel()
	pod := []types.NamespacedName{{Namespace: "ci", Name: "pod"}}
	running := func(f *plan.Facts) { withJob(f, "a"); withPod(f, "a", "pod") }
	for _, tt := range []struct {
		name    string
		place   queue.Place
		arrange func(*plan.Facts)
		create  []string
		stop    []types.NamespacedName
		phase   v1alpha1.RunPhase
		reason  string
		message string
		jobs    map[string]outcome
		status  v1alpha1.ConcurrencyStatus
	}{
		{
			name: "queued", place: queue.Place{Key: "main", Position: 2, InTheWay: []string{"web-1"}},
			phase: "Queued", reason: "Queued", message: `position 2 of key "main"; waits for web-1`,
			jobs: map[string]outcome{
				"a": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
				"b": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "main", Position: 2},
		},
		{
			name: "queued in a group", place: queue.Place{Key: "main", Group: "all", Position: 1, InTheWay: []string{"app-1 of pipeline app"}},
			phase: "Queued", reason: "Queued", message: `position 1 of key "main" of group all; waits for app-1 of pipeline app`,
			jobs: map[string]outcome{
				"a": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
				"b": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "main", Group: "all", Position: 1},
		},
		{
			name: "admitted to a group", place: queue.Place{Group: "all", Admitted: true}, create: []string{"a"},
			phase: "Queued", reason: "Queued", message: "no job has started",
			jobs:   map[string]outcome{"a": {Phase: "Waiting"}, "b": {"Waiting", "AwaitingNeeds", "needs a"}},
			status: v1alpha1.ConcurrencyStatus{Group: "all", Admitted: true},
		},
		{
			name: "replaced in a group", place: queue.Place{Group: "all", ReplacedBy: "app-9"},
			phase: "Cancelled", reason: "Replaced", message: "replaced: run app-9 of group all is newer",
			jobs: map[string]outcome{
				"a": {"Cancelled", "Replaced", "replaced before it started: run app-9 of group all is newer"},
				"b": {"Cancelled", "Replaced", "replaced before it started: run app-9 of group all is newer"},
			},
			status: v1alpha1.ConcurrencyStatus{Group: "all", ReplacedBy: "app-9"},
		},
		{
			name: "admitted", place: queue.Place{Key: "main", Admitted: true}, create: []string{"a"},
			phase: "Queued", reason: "Queued", message: "no job has started",
			jobs:   map[string]outcome{"a": {Phase: "Waiting"}, "b": {"Waiting", "AwaitingNeeds", "needs a"}},
			status: v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true},
		},
		{
			name: "skipped", place: queue.Place{Key: "main", Skipped: true, InTheWay: []string{"web-1"}},
			phase: "Cancelled", reason: "Skipped", message: `skipped: no place for another run of key "main" beside web-1`,
			jobs: map[string]outcome{
				"a": {"Cancelled", "Skipped", `skipped before it started: no place for another run of key "main" beside web-1`},
				"b": {"Cancelled", "Skipped", `skipped before it started: no place for another run of key "main" beside web-1`},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "main"},
		},
		{
			name: "queued behind a deleted Run", place: queue.Place{Key: "main", Position: 1, InTheWay: []string{"web-2"}, Deleted: []string{"web-1"}},
			phase: "Queued", reason: "Queued", message: `position 1 of key "main"; waits for the pods of deleted run web-1, web-2`,
			jobs: map[string]outcome{
				"a": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
				"b": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "main", Position: 1},
		},
		{
			name: "replaced while it waited", place: queue.Place{Key: "main", ReplacedBy: "web-9"},
			phase: "Cancelled", reason: "Replaced", message: `replaced: run web-9 of key "main" is newer`,
			jobs: map[string]outcome{
				"a": {"Cancelled", "Replaced", `replaced before it started: run web-9 of key "main" is newer`},
				"b": {"Cancelled", "Replaced", `replaced before it started: run web-9 of key "main" is newer`},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "main", ReplacedBy: "web-9"},
		},
		{
			name: "replaced while it ran", place: queue.Place{Key: "main", Admitted: true, ReplacedBy: "web-9"}, arrange: running, stop: pod,
			phase: "Running", reason: "Replacing", message: `stopping a: run web-9 of key "main" is newer`,
			jobs: map[string]outcome{
				"a": {Phase: "Running"}, "b": {"Cancelled", "Replaced", `replaced before it started: run web-9 of key "main" is newer`},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true, ReplacedBy: "web-9"},
		},
		{
			name: "a key that is data", place: queue.Place{Key: "x\n" + strings.Repeat("y", 200), Position: 1, InTheWay: []string{"web-1"}},
			phase: "Queued", reason: "Queued", message: `position 1 of key "x\n` + strings.Repeat("y", 157) + `…"; waits for web-1`,
			jobs: map[string]outcome{
				"a": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
				"b": {"Waiting", "Queued", "the Run waits for others of its concurrency key"},
			},
			status: v1alpha1.ConcurrencyStatus{Key: "x\n" + strings.Repeat("y", 200), Position: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Place = &tt.place
			if tt.arrange != nil {
				tt.arrange(f)
			}
			d := plan.Decide(f)
			expectSettled(t, f, &d)
			if diff := cmp.Diff(tt.create, d.Create); diff != "" {
				t.Errorf("create (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.stop, d.StopPods); diff != "" {
				t.Errorf("stop (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.jobs, outcomes(d)); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(&tt.status, d.Status.Concurrency); diff != "" {
				t.Errorf("concurrency (-want +got):\n%s", diff)
			}
			c := d.Status.Conditions[0]
			if d.Status.Phase != tt.phase || c.Reason != tt.reason || c.Message != tt.message {
				t.Errorf("%s, %s: %s\nwant %s, %s: %s", d.Status.Phase, c.Reason, c.Message, tt.phase, tt.reason, tt.message)
			}
			if (d.RequeueAfter > 0) != (tt.phase == v1alpha1.RunQueued && tt.place.Position > 0 || len(tt.stop) > 0) {
				t.Errorf("asks for another look after %s", d.RequeueAfter)
			}
		})
	}
}

// Services belong to a Run's work: they wait with it.
func TestServicesWaitInTheQueue(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
	f.Place = &queue.Place{Key: "main", Position: 1, InTheWay: []string{"web-1"}}
	waits := plan.Decide(f)
	if got, want := waits.Status.Conditions[0].Message, `position 1 of key "main"; waits for web-1`; len(waits.Serve) > 0 || got != want {
		t.Errorf("serves %v, message %q, want none and %q", waits.Serve, got, want)
	}
	f.Place = &queue.Place{Key: "main", Admitted: true}
	if diff := cmp.Diff([]string{"db"}, plan.Decide(f).Serve); diff != "" {
		t.Errorf("once admitted serves (-want +got):\n%s", diff)
	}
}

// expectSettled decides again a second later, with the status recorded.
func expectSettled(t *testing.T, f *plan.Facts, d *plan.Decision) {
	t.Helper()
	again := *f
	again.Run, again.Now = f.Run.DeepCopy(), at(101)
	again.Run.Status = *d.Status.DeepCopy()
	if diff := cmp.Diff(d.Status, plan.Decide(&again).Status); diff != "" {
		t.Errorf("deciding again changed the status (-first +second):\n%s", diff)
	}
}

// Who is in the way may change without a change of the position. That is no
// reason to write.
func TestQueueMessageStaysWithThePosition(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	decide := func(position int32, inTheWay ...string) string {
		f.Place = &queue.Place{Key: "main", Position: position, InTheWay: inTheWay}
		f.Run.Status = plan.Decide(f).Status
		return f.Run.Status.Conditions[0].Message
	}
	got := []string{decide(2, "web-1"), decide(2, "web-2"), decide(1, "web-2")}
	// But that only pods are left of a Run is news.
	f.Place = &queue.Place{Key: "main", Position: 1, Deleted: []string{"web-2"}}
	f.Run.Status = plan.Decide(f).Status
	got = append(got, f.Run.Status.Conditions[0].Message)
	got = append(got, decide(1, "web-3"))
	want := []string{`position 2 of key "main"; waits for web-1`, `position 2 of key "main"; waits for web-1`, `position 1 of key "main"; waits for web-2`}
	want = append(want, `position 1 of key "main"; waits for the pods of deleted run web-2`, `position 1 of key "main"; waits for web-3`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A Run that is cancelled or fails while it waits doesn't show a position.
func TestNoPositionAfterTheEnd(t *testing.T) {
	t.Parallel()
	want := &v1alpha1.ConcurrencyStatus{Key: "main"}
	waiting := func() *plan.Facts {
		f := facts(spec("a"))
		f.Run.Status.Concurrency = &v1alpha1.ConcurrencyStatus{Key: "main", Position: 3}
		return f
	}
	f := waiting()
	f.Run.Spec.Cancelled = true
	if diff := cmp.Diff(want, plan.Decide(f).Status.Concurrency); diff != "" {
		t.Errorf("cancelled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, faulty(waiting(), "RevisionNotFound", "gone").Concurrency); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

// A Run that never had a place has no services to end, and ends at once: whether
// it is skipped might be decided otherwise later.
func TestWithoutAPlaceThereAreNoServices(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*plan.Facts){
		"skipped":  func(f *plan.Facts) { f.Place = &queue.Place{Key: "main", Skipped: true} },
		"replaced": func(f *plan.Facts) { f.Place = &queue.Place{Key: "main", ReplacedBy: "web-9"} },
		"cancelled": func(f *plan.Facts) {
			f.Run.Spec.Cancelled = true
			f.Run.Status.Concurrency = &v1alpha1.ConcurrencyStatus{Key: "main", Position: 3}
		},
	} {
		f := facts(spec("a"))
		f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
		arrange(f)
		d := plan.Decide(f)
		if d.Acts() || d.Status.Phase != v1alpha1.RunCancelled {
			t.Errorf("%s: does %+v, and the Run is %s", name, actionsOf(d), d.Status.Phase)
		}
		if diff := cmp.Diff(serviceOutcome{Phase: "Stopped"}, serviceOf(d)); diff != "" {
			t.Errorf("%s: service (-want +got):\n%s", name, diff)
		}
	}
}
