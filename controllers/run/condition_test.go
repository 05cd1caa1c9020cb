package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func jobPhases(run *v1alpha1.Run) map[string]string {
	found := map[string]string{}
	for i := range run.Status.Jobs {
		found[run.Status.Jobs[i].Name] = strings.TrimSuffix(string(run.Status.Jobs[i].Phase)+"/"+run.Status.Jobs[i].Reason, "/")
	}
	return found
}

// Conditions see parameters, their defaults, outputs and the Run's number, and
// say the same wherever the controller is killed.
func TestConditionsOfARun(t *testing.T) {
	t.Parallel()
	p := pipeline(
		v1alpha1.Job{Name: "first", If: "run.number == 1 && params.given == 'yes' && params.preset == 'default'"},
		v1alpha1.Job{Name: "never", If: "run.number != 1"},
		v1alpha1.Job{Name: "behind", Needs: []string{"never"}},
		v1alpha1.Job{Name: "version", Needs: []string{"first"}, If: "jobs.first.outputs.version.startsWith('1.')"},
		v1alpha1.Job{Name: "alarm", Needs: []string{"version"}, If: "failure()"},
		v1alpha1.Job{Name: "tidy", Needs: []string{"alarm"}, If: "always() && jobs.alarm.phase == 'Skipped'"},
	)
	p.Spec.Params = []v1alpha1.Param{{Name: "given"}, {Name: "preset", Default: new("default")}}
	want := map[string]string{
		"first": "Succeeded", "never": "Skipped/ConditionFalse", "behind": "Skipped/NeedsSkipped",
		"version": "Succeeded", "alarm": "Skipped/ConditionFalse", "tidy": "Succeeded",
	}
	for crash := range 11 {
		t.Run(fmt.Sprintf("killed after write %d", crash), func(t *testing.T) {
			t.Parallel()
			run := started("run", p)
			run.Spec.Params = map[string]string{"given": "yes"}
			w := newWorld(t, p, revision.New(p, 1), run)
			w.leaves = map[string]string{"first": `{"version": "1.4"}`}
			w.crashAt = crash
			got := w.play()
			if diff := cmp.Diff(want, jobPhases(got)); got.Status.Number == 1 && diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			if crash > 0 {
				return
			}
			// 3 Jobs: a ConfigMap, the Jobs, 4 status writes and the event.
			if len(w.writes)+len(w.events.Events) != 9 || len(w.liveReads) > 0 {
				t.Errorf("live reads %v, and wrote %v", w.liveReads, w.writes)
			}
			before := len(w.writes)
			w.mustReconcile("run")
			if extra := w.writes[before:]; len(extra) > 0 {
				t.Errorf("a second look wrote %v", extra)
			}
		})
	}
}

// A Run whose jobs are all skipped ends at once, without a number.
func TestEveryConditionFalse(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a", If: "false"}, v1alpha1.Job{Name: "b", Needs: []string{"a"}})
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	w.mustReconcile("run")
	run := w.run("run")
	if run.Status.Phase != v1alpha1.RunSucceeded || len(w.writes) != 1 {
		t.Errorf("phase %s after %v", run.Status.Phase, w.writes)
	}
	if got, want := run.Status.Conditions[0].Message, "0 of 2 jobs succeeded; skipped: a, b"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
