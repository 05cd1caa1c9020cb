package upstream

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// minute is a time of a day, so many minutes after its beginning.
func minute(n int) time.Time { return time.Date(2026, 3, 2, 0, n, 0, 0, time.UTC) }

func stamp(n int) *metav1.Time { return &metav1.Time{Time: minute(n)} }

// deploy is a Trigger that was made at minute 10.
func deploy(edits ...func(*v1alpha1.Trigger)) *v1alpha1.Trigger {
	t := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "deploy", Generation: 1, CreationTimestamp: *stamp(10)},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "deploy", Params: map[string]string{"sha": "run.origin.sha"}, Run: &v1alpha1.RunEnd{Pipeline: "build"},
		},
	}
	for _, edit := range edits {
		edit(t)
	}
	return t
}

// build is a Run that has ended at a minute.
func build(name string, at int, edits ...func(*v1alpha1.Run)) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID(name + "-uid")},
		Spec: v1alpha1.RunSpec{
			Pipeline: "build", Params: map[string]string{"stage": "test"},
			Origin: &v1alpha1.Origin{
				Trigger: "push", Provider: v1alpha1.ProviderGitHub, Delivery: "d-1", Digest: "sha256:1", Repository: "acme/web",
				SHA: "8f3c", Ref: "refs/heads/main", Branch: "main", Sender: "ada",
			},
		},
		Status: v1alpha1.RunStatus{Phase: v1alpha1.RunSucceeded, Number: int64(at), CompletionTime: stamp(at)},
	}
	for _, edit := range edits {
		edit(r)
	}
	return r
}

func TestBegin(t *testing.T) {
	t.Parallel()
	handled := []v1alpha1.HandledRun{{UID: "a", Ended: *stamp(20)}}
	known := func(edit func(*v1alpha1.RunEndStatus)) func(*v1alpha1.Trigger) {
		s := &v1alpha1.RunEndStatus{Pipeline: "build", Phases: []v1alpha1.RunPhase{"Succeeded"}, Since: stamp(15), Handled: handled}
		edit(s)
		return func(t *v1alpha1.Trigger) { t.Status.Run = s }
	}
	as := func(*v1alpha1.RunEndStatus) {}
	changed := func(t *v1alpha1.Trigger) { t.Generation = 2 }
	suspended := func(t *v1alpha1.Trigger) { t.Spec.Suspend = true }
	type begun struct {
		Since     *metav1.Time
		Suspended bool
		Handled   []v1alpha1.HandledRun
	}
	for name, tt := range map[string]struct {
		edits  []func(*v1alpha1.Trigger)
		looped bool
		want   begun
	}{
		"new, seen late":   {nil, false, begun{stamp(10), false, nil}},
		"another source's": {[]func(*v1alpha1.Trigger){changed}, false, begun{stamp(60), false, nil}},
		"known":            {[]func(*v1alpha1.Trigger){changed, known(as)}, false, begun{stamp(15), false, handled}},
		"another pipeline": {[]func(*v1alpha1.Trigger){known(func(s *v1alpha1.RunEndStatus) { s.Pipeline = "test" })}, false, begun{stamp(60), false, nil}},
		"other phases": {
			[]func(*v1alpha1.Trigger){known(func(s *v1alpha1.RunEndStatus) { s.Phases = []v1alpha1.RunPhase{"Failed"} })},
			false,
			begun{stamp(60), false, nil},
		},
		"suspended": {[]func(*v1alpha1.Trigger){suspended, known(as)}, false, begun{stamp(15), true, handled}},
		"a loop":    {[]func(*v1alpha1.Trigger){known(as)}, true, begun{stamp(15), true, handled}},
		"resumed":   {[]func(*v1alpha1.Trigger){known(func(s *v1alpha1.RunEndStatus) { s.Suspended = true })}, false, begun{stamp(60), false, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := v1alpha1.RunEndStatus{
				Pipeline: "build", Phases: []v1alpha1.RunPhase{"Succeeded"},
				Since: tt.want.Since, Suspended: tt.want.Suspended, Handled: tt.want.Handled,
			}
			if diff := cmp.Diff(want, begin(deploy(tt.edits...), tt.looped, minute(60).Add(time.Millisecond))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPending(t *testing.T) {
	t.Parallel()
	begun := &v1alpha1.RunEndStatus{Since: stamp(10), Handled: []v1alpha1.HandledRun{{UID: "seen-uid", Ended: *stamp(20)}}}
	going := build("going", 20)
	going.DeletionTimestamp = stamp(21)
	runs := []v1alpha1.Run{*build("later", 30), *build("before", 9), *build("seen", 20), *build("then", 10), *going, *build("also", 20)}
	var got []string
	for _, run := range pending(begun, runs) {
		got = append(got, run.Name)
	}
	if diff := cmp.Diff([]string{"then", "also", "later"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	handled := func(minutes ...int) []v1alpha1.HandledRun {
		var list []v1alpha1.HandledRun
		for _, n := range minutes {
			list = append(list, v1alpha1.HandledRun{UID: types.UID(fmt.Sprintf("r%d-uid", n)), Ended: *stamp(n)})
		}
		return list
	}
	runs := func(minutes ...int) []*v1alpha1.Run {
		var list []*v1alpha1.Run
		for _, n := range minutes {
			list = append(list, build(fmt.Sprintf("r%d", n), n))
		}
		return list
	}
	for name, tt := range map[string]struct {
		before     []v1alpha1.HandledRun
		done, left []*v1alpha1.Run
		since      *metav1.Time
		want       []v1alpha1.HandledRun
	}{
		"nothing was seen to":        {handled(20), nil, nil, stamp(10), handled(20)},
		"the old are forgotten":      {handled(20, 55), runs(59), nil, stamp(50), handled(55, 59)},
		"what is old may come late":  {nil, runs(30), nil, stamp(50), nil},
		"what is left stays":         {handled(20, 55), runs(59), runs(40), stamp(40), handled(55, 59)},
		"nothing is older than that": {handled(55), runs(51), nil, stamp(50), handled(51, 55)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := &v1alpha1.RunEndStatus{Since: stamp(10), Handled: tt.before}
			settle(begun, tt.done, tt.left, minute(60))
			want := &v1alpha1.RunEndStatus{Since: tt.since, Handled: tt.want}
			if len(begun.Handled) == 0 {
				begun.Handled = nil
			}
			if diff := cmp.Diff(want, begun); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Of many in ten minutes the first are forgotten, and no Run that ended before them is
// looked at any more. What is left to be seen to is, as long as there is room.
func TestSettleBoundsWhatItLists(t *testing.T) {
	t.Parallel()
	done := func(count int) []*v1alpha1.Run {
		var runs []*v1alpha1.Run
		for i := range count {
			run := build(fmt.Sprintf("r%d", i), 59)
			run.Status.CompletionTime = &metav1.Time{Time: minute(59).Add(time.Duration(i/10) * time.Second)}
			runs = append(runs, run)
		}
		return runs
	}
	left := []*v1alpha1.Run{build("left", 59)}
	for name, tt := range map[string]struct {
		done, left []*v1alpha1.Run
		handled    int
		since      time.Duration
	}{
		"all are done":   {done(130), nil, 100, 3 * time.Second},
		"one is left":    {done(130), left, 130, 0},
		"there is room":  {done(1000), left, 1000, 0},
		"there is none":  {done(1010), left, 1000, time.Second},
		"all, and again": {done(2000), nil, 100, 190 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := &v1alpha1.RunEndStatus{Since: stamp(10)}
			settle(begun, tt.done, tt.left, minute(60))
			if got := begun.Since.Sub(minute(59)); len(begun.Handled) != tt.handled || got != tt.since {
				t.Errorf("%d handled since %s", len(begun.Handled), got)
			}
			var all []v1alpha1.Run
			for _, run := range tt.done {
				all = append(all, *run)
			}
			if again := pending(begun, all); len(again) > 0 {
				t.Errorf("%d would be seen to again", len(again))
			}
		})
	}
}

// However many end in one second, each is followed.
func TestManyEndsInOneSecond(t *testing.T) {
	t.Parallel()
	begun := &v1alpha1.RunEndStatus{Since: stamp(10)}
	var all []v1alpha1.Run
	for i := range 300 {
		all = append(all, *build(fmt.Sprintf("r%d", i), 59))
	}
	seen := map[types.UID]int{}
	for left := pending(begun, all); len(left) > 0; left = pending(begun, all) {
		done := left[:min(len(left), most)]
		for _, run := range done {
			seen[run.UID]++
		}
		settle(begun, done, left[len(done):], minute(60))
	}
	for _, run := range all {
		if seen[run.UID] != 1 {
			t.Errorf("%s was seen to %d times", run.Name, seen[run.UID])
		}
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	trigger := func(after, starts string) v1alpha1.Trigger {
		return v1alpha1.Trigger{Spec: v1alpha1.TriggerSpec{Pipeline: starts, Run: &v1alpha1.RunEnd{Pipeline: after}}}
	}
	push := v1alpha1.Trigger{Spec: v1alpha1.TriggerSpec{Pipeline: "a", Webhook: &v1alpha1.Webhook{}}}
	going := trigger("c", "a")
	going.DeletionTimestamp = stamp(1)
	for name, tt := range map[string]struct {
		of     v1alpha1.Trigger
		others []v1alpha1.Trigger
		want   []string
	}{
		"alone":          {trigger("a", "b"), []v1alpha1.Trigger{push}, nil},
		"a chain":        {trigger("a", "b"), []v1alpha1.Trigger{trigger("b", "c"), trigger("b", "d"), trigger("c", "d")}, nil},
		"itself":         {trigger("a", "a"), nil, []string{"a", "a"}},
		"and back":       {trigger("a", "b"), []v1alpha1.Trigger{trigger("b", "a")}, []string{"a", "b", "a"}},
		"by way of":      {trigger("a", "b"), []v1alpha1.Trigger{trigger("c", "a"), trigger("b", "d"), trigger("b", "c")}, []string{"a", "b", "c", "a"}},
		"into a loop":    {trigger("a", "b"), []v1alpha1.Trigger{trigger("b", "c"), trigger("c", "b")}, nil},
		"being deleted":  {trigger("a", "b"), []v1alpha1.Trigger{trigger("b", "c"), going}, nil},
		"in many places": {trigger("a", "b"), []v1alpha1.Trigger{trigger("a", "b"), trigger("b", "a"), trigger("b", "a")}, []string{"a", "b", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Loop(&tt.of, append(tt.others, tt.of))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
