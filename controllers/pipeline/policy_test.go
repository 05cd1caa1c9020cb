package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func at(minute int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC))
}

func TestLastNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		recorded v1alpha1.PipelineStatus
		seen     int64
		want     int64
	}{
		{name: "none yet"},
		{name: "of a Run that runs", seen: 9, want: 9},
		{name: "of a Run that was deleted while it ran", recorded: v1alpha1.PipelineStatus{LastNumber: 10}, seen: 9, want: 10},
		{name: "of an earlier version's last Run", recorded: v1alpha1.PipelineStatus{LastRun: &v1alpha1.LastRun{Number: 11}}, seen: 9, want: 11},
	} {
		if got := lastNumber(&tt.recorded, tt.seen); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestActiveRuns(t *testing.T) {
	t.Parallel()
	active := func(name string, minute int, number int64, phase v1alpha1.RunPhase) *v1alpha1.Run {
		return &v1alpha1.Run{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, CreationTimestamp: at(minute)},
			Status:     v1alpha1.RunStatus{Phase: phase, Number: number},
		}
	}
	var many []*v1alpha1.Run
	var newest []v1alpha1.ActiveRun
	for i := range 12 {
		many = append(many, active(string(rune('a'+i)), i, int64(i), v1alpha1.RunRunning))
		if i >= 2 {
			newest = append([]v1alpha1.ActiveRun{{Name: string(rune('a' + i)), Number: int64(i), Phase: v1alpha1.RunRunning}}, newest...)
		}
	}
	for _, tt := range []struct {
		name string
		runs []*v1alpha1.Run
		want []v1alpha1.ActiveRun
	}{
		{name: "none"},
		{name: "not looked at yet", runs: []*v1alpha1.Run{active("a", 1, 0, "")}},
		{
			name: "newest first", runs: []*v1alpha1.Run{active("a", 1, 1, v1alpha1.RunRunning), active("b", 2, 0, v1alpha1.RunQueued)},
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
	used := func(revision string) bool { return revision == "b" }
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
