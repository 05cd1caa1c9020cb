package history_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/history"
)

const web = "web-uid"

func at(minute int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC))
}

// active is a Run of web that was made at that minute.
func active(name string, minute int, number int64, phase v1alpha1.RunPhase) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: types.UID(name), CreationTimestamp: at(minute),
			Labels:          map[string]string{v1alpha1.PipelineLabel: "web"},
			OwnerReferences: []metav1.OwnerReference{{Kind: v1alpha1.PipelineKind, Name: "web", UID: web, Controller: new(true)}},
		},
		Status: v1alpha1.RunStatus{Phase: phase, Number: number},
	}
}

// finished is one that ended a minute later.
func finished(name string, minute int, number int64, phase v1alpha1.RunPhase) *v1alpha1.Run {
	run := active(name, minute, number, phase)
	run.Status.CompletionTime = new(at(minute + 1))
	return run
}

func put(runs ...*v1alpha1.Run) *history.Runs {
	var known history.Runs
	for _, run := range runs {
		known.Put(run)
	}
	return &known
}

func names(runs []*v1alpha1.Run) []string {
	var names []string
	for _, run := range runs {
		names = append(names, run.Name)
	}
	return names
}

func TestExpired(t *testing.T) {
	t.Parallel()
	runs := put(
		finished("c", 3, 3, v1alpha1.RunFailed), active("active", 0, 5, v1alpha1.RunRunning), finished("a", 1, 1, v1alpha1.RunSucceeded),
		active("fresh", 0, 0, ""), finished("d", 4, 4, v1alpha1.RunCancelled), finished("b", 2, 2, v1alpha1.RunSucceeded),
	)
	age := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	count := func(most int32) *v1alpha1.Retention {
		return &v1alpha1.Retention{MaxCount: &most, MinAge: age(0)}
	}
	for _, tt := range []struct {
		name   string
		bounds *v1alpha1.Retention
		want   []string
		next   time.Duration
	}{
		{name: "none given", bounds: nil},
		{name: "none", bounds: &v1alpha1.Retention{}},
		{name: "least age alone", bounds: &v1alpha1.Retention{MinAge: age(0)}},
		{name: "room for all", bounds: count(4)},
		{name: "count", bounds: count(2), want: []string{"a", "b"}},
		{name: "count of one", bounds: count(1), want: []string{"a", "b", "c"}},
		{name: "count, within the default least age", bounds: &v1alpha1.Retention{MaxCount: ptr.To[int32](2)}, next: 52 * time.Minute},
		{name: "count and a least age, to the second", bounds: &v1alpha1.Retention{MaxCount: ptr.To[int32](1), MinAge: age(7 * time.Minute)}, want: []string{"a", "b"}, next: time.Minute},
		{name: "age, to the second", bounds: &v1alpha1.Retention{MaxAge: age(7 * time.Minute)}, want: []string{"a", "b"}, next: time.Minute},
		{name: "age, none yet", bounds: &v1alpha1.Retention{MaxAge: age(time.Hour)}, next: 52 * time.Minute},
		{name: "count and age", bounds: &v1alpha1.Retention{MaxCount: ptr.To[int32](3), MinAge: age(0), MaxAge: age(7 * time.Minute)}, want: []string{"a", "b"}, next: time.Minute},
		{name: "age within the default least age", bounds: &v1alpha1.Retention{MaxCount: ptr.To[int32](1), MaxAge: age(7 * time.Minute)}, want: []string{"a", "b"}, next: time.Minute},
		{name: "failed apart, room", bounds: &v1alpha1.Retention{MaxCount: ptr.To[int32](1), MaxFailed: ptr.To[int32](1), MinAge: age(0)}, want: []string{"a", "b"}},
		{name: "failed apart, none other bounded", bounds: &v1alpha1.Retention{MaxFailed: ptr.To[int32](1), MinAge: age(0)}},
		{name: "failed apart, greatest age", bounds: &v1alpha1.Retention{MaxFailed: ptr.To[int32](1), MaxAge: age(6 * time.Minute)}, want: []string{"a", "b", "c"}, next: time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old, next := runs.Expired(web, tt.bounds, at(10).Time)
			if diff := cmp.Diff(tt.want, names(old)); diff != "" {
				t.Errorf("expired (-want +got):\n%s", diff)
			}
			if next != tt.next {
				t.Errorf("next in %s, want %s", next, tt.next)
			}
		})
	}
}

// What failed stays beside any number of newer ones that succeeded.
func TestExpiredFailed(t *testing.T) {
	t.Parallel()
	runs := put()
	for i, phase := range []v1alpha1.RunPhase{
		v1alpha1.RunFailed, v1alpha1.RunFailed, v1alpha1.RunFailed, v1alpha1.RunSucceeded, v1alpha1.RunCancelled, v1alpha1.RunSucceeded,
	} {
		runs.Put(finished(string(rune('a'+i)), i, int64(i), phase))
	}
	for _, tt := range []struct {
		name      string
		maxFailed *int32
		want      []string
	}{
		{name: "in the same count", want: []string{"a", "b", "c", "d"}},
		{name: "apart", maxFailed: ptr.To[int32](2), want: []string{"a", "d"}},
		{name: "apart, room for all", maxFailed: ptr.To[int32](3), want: []string{"d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old, next := runs.Expired(web, &v1alpha1.Retention{MaxCount: ptr.To[int32](2), MaxFailed: tt.maxFailed}, at(0).Add(24*time.Hour))
			if diff := cmp.Diff(tt.want, names(old)); diff != "" || next != 0 {
				t.Errorf("next in %s, want never; expired (-want +got):\n%s", next, diff)
			}
		})
	}
}

func TestLastRun(t *testing.T) {
	t.Parallel()
	last := func(name string, number int64, minute int) *v1alpha1.LastRun {
		return &v1alpha1.LastRun{Name: name, Number: number, Phase: v1alpha1.RunSucceeded, CompletionTime: new(at(minute))}
	}
	done := func(name string, minute int, number int64) *v1alpha1.Run {
		return finished(name, minute, number, v1alpha1.RunSucceeded)
	}
	running := active("running", 0, 9, v1alpha1.RunRunning)
	for _, tt := range []struct {
		name     string
		recorded *v1alpha1.LastRun
		runs     []*v1alpha1.Run
		want     *v1alpha1.LastRun
	}{
		{name: "none yet", runs: []*v1alpha1.Run{running}},
		{name: "the first", runs: []*v1alpha1.Run{done("a", 1, 1)}, want: last("a", 1, 2)},
		{name: "the highest number", runs: []*v1alpha1.Run{done("b", 1, 2), done("a", 3, 1), running}, want: last("b", 2, 2)},
		{name: "deleted since", recorded: last("z", 7, 9), runs: []*v1alpha1.Run{done("a", 10, 6)}, want: last("z", 7, 9)},
		{name: "a newer one", recorded: last("a", 1, 2), runs: []*v1alpha1.Run{done("b", 2, 2)}, want: last("b", 2, 3)},
		{name: "ended before it had a number", recorded: last("a", 1, 2), runs: []*v1alpha1.Run{done("b", 5, 0)}, want: last("a", 1, 2)},
		{name: "none has a number", recorded: last("a", 0, 2), runs: []*v1alpha1.Run{done("b", 5, 0), done("c", 4, 0)}, want: last("b", 0, 6)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, seen := put(tt.runs...).Of(web)
			if diff := cmp.Diff(tt.want, history.Later(tt.recorded, seen.Last)); diff != "" {
				t.Errorf("last run (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever comes and goes in whatever order, what is found is what a look at every
// Run finds.
func TestRandomRuns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // A test has to be repeatable.
		known, all := put(), map[types.UID]*v1alpha1.Run{}
		for step := range 300 {
			run := randomRun(random)
			if random.IntN(4) == 0 {
				known.Drop(run.UID)
				delete(all, run.UID)
			} else {
				known.Put(run)
				all[run.UID] = run
			}
			bounds, now := randomBounds(random), at(random.IntN(200)).Time
			old, next := known.Expired(web, bounds, now)
			plainOld, plainNext := plainExpired(slices.Collect(maps.Values(all)), bounds, now)
			if diff := cmp.Diff(names(plainOld), names(old)); diff != "" || next != plainNext {
				t.Fatalf("seed %d, step %d: next in %s, want %s; expired (-want +got):\n%s", seed, step, next, plainNext, diff)
			}
			active, seen := known.Of(web)
			if diff := cmp.Diff(plainActive(all), slices.Sorted(slices.Values(names(active)))); diff != "" {
				t.Fatalf("seed %d, step %d: active (-want +got):\n%s", seed, step, diff)
			}
			if got, want := known.Pins("ci", "b"), plainPins(all, "b"); got != want {
				t.Fatalf("seed %d, step %d: pinned: %t, want %t", seed, step, got, want)
			}
			if (seen.Freed > 0) != slices.ContainsFunc(slices.Collect(maps.Values(all)), counts) {
				t.Fatalf("seed %d, step %d: freed %d", seed, step, seen.Freed)
			}
		}
	}
}
