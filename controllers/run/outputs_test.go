package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func outputsOf(job *batchv1.Job) map[string]string {
	found := map[string]string{}
	for _, env := range job.Spec.Template.Spec.Containers[0].Env {
		if strings.HasPrefix(env.Name, v1alpha1.EnvOutputPrefix) {
			found[env.Name] = env.Value
		}
	}
	return found
}

// Outputs reach the jobs behind, at any distance and no others, wherever the
// controller is killed, and at the cost of no write.
func TestOutputsReachLaterJobs(t *testing.T) {
	t.Parallel()
	p := pipeline(
		v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b", Needs: []string{"a"}},
		v1alpha1.Job{Name: "c", Needs: []string{"b"}}, v1alpha1.Job{Name: "other"}, v1alpha1.Job{Name: "beside", Needs: []string{"other"}},
	)
	fromA := map[string]string{"KAYCI_OUTPUT_A_VERSION": "1.4 $$(HOME)"}
	want := map[string]map[string]string{
		"run-a": {}, "run-b": fromA, "run-other": {}, "run-beside": {},
		"run-c": {"KAYCI_OUTPUT_A_VERSION": "1.4 $$(HOME)", "KAYCI_OUTPUT_B_DIGEST": "sha256:1"},
	}
	for crash := range 13 {
		t.Run(fmt.Sprintf("killed after write %d", crash), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.leaves = map[string]string{"a": `{"version": "1.4 $(HOME)"}`, "b": `{"digest": "sha256:1"}`}
			w.crashAt = crash
			run := w.play()
			if crash == 0 {
				w.wantFrugal(len(p.Spec.Jobs))
			}
			got := map[string]map[string]string{}
			for _, job := range w.jobs() {
				got[job.Name] = outputsOf(&job)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("outputs in the Jobs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]string{"version": "1.4 $(HOME)"}, run.Status.Jobs[0].Outputs); diff != "" {
				t.Errorf("outputs in the status (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedOutputsFailTheRun(t *testing.T) {
	t.Parallel()
	p := chain(2)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.leaves = map[string]string{"j0": `{"version": 1}`}
	run := w.play()
	if got := run.Status.Jobs[0].Reason; run.Status.Phase != v1alpha1.RunFailed || got != "InvalidOutputs" {
		t.Errorf("the Run is %s, its first job %s", run.Status.Phase, got)
	}
	if got := w.created; len(got) != 1 {
		t.Errorf("created %v, want the first Job alone", got)
	}
	before := len(w.writes)
	if _, err := w.reconcile("run"); err != nil || len(w.writes) > before {
		t.Errorf("a second look: %v, wrote %v", err, w.writes[before:])
	}
}
