package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

func at(minute int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC))
}

// finished is a Run that was made at that minute and ended a minute later.
func finished(name string, minute int, number int64, phase v1alpha1.RunPhase) v1alpha1.Run {
	return v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, CreationTimestamp: at(minute)},
		Status:     v1alpha1.RunStatus{Phase: phase, Number: number, CompletionTime: new(at(minute + 1))},
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	active := v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Name: "active", CreationTimestamp: at(0)}, Status: v1alpha1.RunStatus{Phase: v1alpha1.RunRunning}}
	fresh := v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Name: "fresh", CreationTimestamp: at(0)}}
	runs := []v1alpha1.Run{
		finished("c", 3, 3, v1alpha1.RunFailed), active, finished("a", 1, 1, v1alpha1.RunSucceeded), fresh,
		finished("d", 4, 4, v1alpha1.RunCancelled), finished("b", 2, 2, v1alpha1.RunSucceeded),
	}
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
			old, next := expired(runs, tt.bounds, at(10).Time)
			var names []string
			for _, run := range old {
				names = append(names, run.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
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
	var runs []v1alpha1.Run
	for i, phase := range []v1alpha1.RunPhase{
		v1alpha1.RunFailed, v1alpha1.RunFailed, v1alpha1.RunFailed, v1alpha1.RunSucceeded, v1alpha1.RunCancelled, v1alpha1.RunSucceeded,
	} {
		runs = append(runs, finished(string(rune('a'+i)), i, int64(i), phase))
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
			old, next := expired(runs, &v1alpha1.Retention{MaxCount: ptr.To[int32](2), MaxFailed: tt.maxFailed}, at(0).Add(24*time.Hour))
			var names []string
			for _, run := range old {
				names = append(names, run.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" || next != 0 {
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
	done := func(name string, minute int, number int64) v1alpha1.Run {
		return finished(name, minute, number, v1alpha1.RunSucceeded)
	}
	running := v1alpha1.Run{Status: v1alpha1.RunStatus{Phase: v1alpha1.RunRunning, Number: 9}}
	for _, tt := range []struct {
		name     string
		recorded *v1alpha1.LastRun
		runs     []v1alpha1.Run
		want     *v1alpha1.LastRun
	}{
		{name: "none yet", runs: []v1alpha1.Run{running}},
		{name: "the first", runs: []v1alpha1.Run{done("a", 1, 1)}, want: last("a", 1, 2)},
		{name: "the highest number", runs: []v1alpha1.Run{done("b", 1, 2), done("a", 3, 1), running}, want: last("b", 2, 2)},
		{name: "deleted since", recorded: last("z", 7, 9), runs: []v1alpha1.Run{done("a", 10, 6)}, want: last("z", 7, 9)},
		{name: "a newer one", recorded: last("a", 1, 2), runs: []v1alpha1.Run{done("b", 2, 2)}, want: last("b", 2, 3)},
		{name: "ended before it had a number", recorded: last("a", 1, 2), runs: []v1alpha1.Run{done("b", 5, 0)}, want: last("a", 1, 2)},
		{name: "none has a number", recorded: last("a", 0, 2), runs: []v1alpha1.Run{done("b", 5, 0), done("c", 4, 0)}, want: last("b", 0, 6)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, lastRun(tt.recorded, tt.runs)); diff != "" {
				t.Errorf("last run (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLastNumber(t *testing.T) {
	t.Parallel()
	running := v1alpha1.Run{Status: v1alpha1.RunStatus{Phase: v1alpha1.RunRunning, Number: 9}}
	for _, tt := range []struct {
		name     string
		recorded v1alpha1.PipelineStatus
		runs     []v1alpha1.Run
		want     int64
	}{
		{name: "none yet", runs: []v1alpha1.Run{{Status: v1alpha1.RunStatus{Phase: v1alpha1.RunQueued}}}},
		{name: "of a Run that runs", runs: []v1alpha1.Run{running, finished("a", 1, 8, v1alpha1.RunFailed)}, want: 9},
		{name: "of a Run that was deleted while it ran", recorded: v1alpha1.PipelineStatus{LastNumber: 10}, runs: []v1alpha1.Run{running}, want: 10},
		{name: "of an earlier version's last Run", recorded: v1alpha1.PipelineStatus{LastRun: &v1alpha1.LastRun{Number: 11}}, runs: []v1alpha1.Run{running}, want: 11},
	} {
		if got := lastNumber(&tt.recorded, tt.runs); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestActiveRuns(t *testing.T) {
	t.Parallel()
	active := func(name string, minute int, number int64, phase v1alpha1.RunPhase) v1alpha1.Run {
		run := finished(name, minute, number, phase)
		run.Status.CompletionTime = nil
		return run
	}
	var many []v1alpha1.Run
	var newest []v1alpha1.ActiveRun
	for i := range 12 {
		many = append(many, active(string(rune('a'+i)), i, int64(i), v1alpha1.RunRunning))
		if i >= 2 {
			newest = append([]v1alpha1.ActiveRun{{Name: string(rune('a' + i)), Number: int64(i), Phase: v1alpha1.RunRunning}}, newest...)
		}
	}
	for _, tt := range []struct {
		name string
		runs []v1alpha1.Run
		want []v1alpha1.ActiveRun
	}{
		{name: "none"},
		{name: "not looked at yet, and ended", runs: []v1alpha1.Run{active("a", 1, 0, ""), finished("b", 2, 2, v1alpha1.RunFailed)}},
		{
			name: "newest first", runs: []v1alpha1.Run{active("a", 1, 1, v1alpha1.RunRunning), active("b", 2, 0, v1alpha1.RunQueued)},
			want: []v1alpha1.ActiveRun{{Name: "b", Phase: v1alpha1.RunQueued}, {Name: "a", Number: 1, Phase: v1alpha1.RunRunning}},
		},
		{name: "more than are listed", runs: many, want: newest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, activeRuns(tt.runs)); diff != "" {
				t.Errorf("active Runs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	rev := func(name string, number int64) appsv1.ControllerRevision {
		return appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: name}, Revision: number}
	}
	used := []v1alpha1.Run{{Spec: v1alpha1.RunSpec{Revision: "b"}}}
	for _, tt := range []struct {
		name    string
		all     []appsv1.ControllerRevision
		current string
		want    []string
	}{
		{name: "only the current", all: []appsv1.ControllerRevision{rev("a", 1)}, current: "a"},
		{name: "the newest superseded stays", all: []appsv1.ControllerRevision{rev("d", 2), rev("a", 1)}, current: "d"},
		{name: "one with a Run stays", all: []appsv1.ControllerRevision{rev("e", 5), rev("a", 1), rev("b", 2), rev("c", 3), rev("d", 4)}, current: "e", want: []string{"a", "c"}},
		{name: "an old one is current again", all: []appsv1.ControllerRevision{rev("a", 4), rev("c", 3), rev("d", 2)}, current: "a", want: []string{"d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var names []string
			for _, rev := range superseded(tt.all, tt.current, used) {
				names = append(names, rev.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("superseded (-want +got):\n%s", diff)
			}
		})
	}
}
