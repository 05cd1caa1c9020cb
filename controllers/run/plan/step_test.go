package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// What can't be undone comes after the record that it rests on, and everything else
// before, so that one write records it.
func TestStep(t *testing.T) {
	t.Parallel()
	bounded := func(f *plan.Facts) { f.Spec.Concurrency = &v1alpha1.Concurrency{Key: "params.branch"} }
	admitted := func(f *plan.Facts) { bounded(f); f.Place = &queue.Place{Key: "main", Admitted: true} }
	tells := func(phases ...v1alpha1.RunPhase) func(*plan.Facts) {
		return func(f *plan.Facts) { f.Spec.Notifiers = []v1alpha1.Notifier{{Name: "chat", Phases: phases}} }
	}
	for _, tt := range []struct {
		name string
		set  []func(*plan.Facts)
		// want are the steps until there is nothing to do, or one that only the world
		// has an outcome of.
		want []plan.Step
	}{
		{name: "a job is due", want: []plan.Step{plan.Act, plan.Record}},
		{name: "a job could not be created", set: []func(*plan.Facts){func(f *plan.Facts) { f.Spent = true }}, want: []plan.Step{plan.Record}},
		{name: "it has acted, and acts again", set: []func(*plan.Facts){func(f *plan.Facts) { f.Acted = 2 }}, want: []plan.Step{plan.Record, plan.Act, plan.Record}},
		{name: "not pinned", set: []func(*plan.Facts){func(f *plan.Facts) { f.Unpinned = true }}, want: []plan.Step{plan.Pin}},
		{
			name: "not pinned, and can't be", want: []plan.Step{plan.Record},
			set: []func(*plan.Facts){func(f *plan.Facts) { f.Unpinned, f.Fault = true, &evidence.Why{Reason: "PipelineNotFound"} }},
		},
		{
			name: "not pinned, and waits", want: []plan.Step{plan.Record},
			set: []func(*plan.Facts){func(f *plan.Facts) {
				f.Unpinned, f.Delay = true, &plan.Delay{Why: evidence.Why{Reason: "PipelineNotFound"}}
			}},
		},
		{name: "its place isn't known", set: []func(*plan.Facts){bounded, func(f *plan.Facts) { f.PlaceOpen = true }}, want: []plan.Step{plan.FindPlace}},
		{name: "admitted", set: []func(*plan.Facts){admitted}, want: []plan.Step{plan.Record, plan.Act, plan.Record}},
		{name: "admitted, and somebody is to know that it waits", set: []func(*plan.Facts){admitted, tells("Queued")}, want: []plan.Step{plan.Record, plan.Act, plan.Record}},
		{
			name: "waits for others", want: []plan.Step{plan.Record},
			set: []func(*plan.Facts){bounded, func(f *plan.Facts) { f.Place = &queue.Place{Key: "main", Position: 1} }},
		},
		{name: "its name is taken", set: []func(*plan.Facts){func(f *plan.Facts) { f.Renamed = []string{"job/a"} }}, want: []plan.Step{plan.Record, plan.Act, plan.Record}},
		{name: "somebody is to know that it runs", set: []func(*plan.Facts){withA, tells("Running")}, want: []plan.Step{plan.Tell}},
		{name: "ends", set: []func(*plan.Facts){cancelledEarly}, want: []plan.Step{plan.Record}},
		{name: "ends, and somebody is to know", set: []func(*plan.Facts){cancelledEarly, tells("Cancelled")}, want: []plan.Step{plan.Record, plan.Tell}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			for _, set := range tt.set {
				set(f)
			}
			if diff := cmp.Diff(tt.want, stepsOf(f)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func withA(f *plan.Facts) { withJob(f, "a"); withPod(f, "a", "pod") }

func cancelledEarly(f *plan.Facts) { f.Run.Spec.Cancelled = true }

// stepsOf returns the steps that are decided on one after the other.
func stepsOf(f *plan.Facts) []plan.Step {
	var steps []plan.Step
	for {
		d := plan.Decide(f)
		switch d.Step {
		case plan.Nothing:
			return steps
		case plan.Record:
			f.Run.Status, f.Renamed, f.Acted = *d.Status.DeepCopy(), nil, 0
		case plan.Act:
			perform(f, &d)
			f.Acted++
		default:
			return append(steps, d.Step)
		}
		steps = append(steps, d.Step)
	}
}
