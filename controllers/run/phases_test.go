package run_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// told returns what a Job's containers are told of the jobs before and the Run.
func told(job *batchv1.Job) map[string]string {
	found := map[string]string{}
	for _, env := range job.Spec.Template.Spec.Containers[0].Env {
		if strings.HasSuffix(env.Name, "_PHASE") || env.Name == v1alpha1.EnvFailedJobs {
			found[env.Name] = env.Value
		}
	}
	return found
}

// A job that may start behind a failure is told of it, wherever the controller
// is killed; to others it goes without saying. A finally job is told of all.
func TestJobsAreToldOfThoseBefore(t *testing.T) {
	t.Parallel()
	p := pipeline(
		v1alpha1.Job{Name: "lint", AllowFailure: true}, v1alpha1.Job{Name: "build"},
		v1alpha1.Job{Name: "test", Needs: []string{"build"}}, v1alpha1.Job{Name: "style", Needs: []string{"lint"}},
		v1alpha1.Job{Name: "alarm", Needs: []string{"test"}, If: "always()"}, v1alpha1.Job{Name: "first", If: "true"},
		v1alpha1.Job{Name: "tidy", Finally: true}, v1alpha1.Job{Name: "tell", Finally: true, Needs: []string{"tidy"}},
	)
	all := map[string]string{
		"KAYCI_JOB_LINT_PHASE": "Succeeded", "KAYCI_JOB_BUILD_PHASE": "Succeeded", "KAYCI_JOB_TEST_PHASE": "Failed",
		"KAYCI_JOB_STYLE_PHASE": "Succeeded", "KAYCI_JOB_ALARM_PHASE": "Succeeded", "KAYCI_JOB_FIRST_PHASE": "Succeeded",
		"KAYCI_FAILED_JOBS": "test", "KAYCI_RUN_PHASE": "Failed",
	}
	behind := maps.Clone(all)
	behind["KAYCI_JOB_TIDY_PHASE"] = "Succeeded"
	want := map[string]map[string]string{
		"run-lint": {}, "run-build": {}, "run-test": {}, "run-first": {},
		"run-style": {"KAYCI_JOB_LINT_PHASE": "Succeeded", "KAYCI_FAILED_JOBS": ""},
		"run-alarm": {"KAYCI_JOB_BUILD_PHASE": "Succeeded", "KAYCI_JOB_TEST_PHASE": "Failed", "KAYCI_FAILED_JOBS": "test"},
		"run-tidy":  all, "run-tell": behind,
	}
	for crash := range 18 {
		t.Run(fmt.Sprintf("killed after write %d", crash), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.leaves = map[string]string{"test": `{"version": 1}`}
			w.crashAt = crash
			run := w.play()
			if most := 2*len(p.Spec.Jobs) + 6; crash == 0 && len(w.writes)+len(w.events.Events) > most {
				t.Errorf("more than %d writes: %v", most, w.writes)
			}
			got := map[string]map[string]string{}
			for _, job := range w.jobs() {
				got[job.Name] = told(&job)
			}
			if diff := cmp.Diff(want, got); run.Status.Phase != v1alpha1.RunFailed || diff != "" {
				t.Errorf("%s, told (-want +got):\n%s", run.Status.Phase, diff)
			}
		})
	}
}
