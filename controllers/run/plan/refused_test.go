package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/controllers/run/plan"
)

// A Job that has failed by a rule, and has no pod left to say why: one of the
// last two rules is KayCI's, and tells no more than that the pod had failed.
func TestFailedByARule(t *testing.T) {
	t.Parallel()
	message := func(rule int) string {
		return fmt.Sprintf("Container main for pod ci/pod failed with exit code 143 matching FailJob rule at index %d", rule)
	}
	for rule, want := range []outcome{
		{"Failed", "PodFailurePolicy", message(0)},
		{"Failed", "PodFailurePolicy", message(1)},
		{"Failed", "PodDeleted", wasDeleted},
		{"Failed", "PodDeleted", wasDeleted},
	} {
		t.Run(fmt.Sprint(rule), func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", verdict(batchv1.JobFailed, batchv1.JobReasonPodFailurePolicy, message(rule), 80), func(j *batchv1.Job) {
				j.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: make([]batchv1.PodFailurePolicyRule, 4)}
			})
			if diff := cmp.Diff(want, outcomes(plan.Decide(f))["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}
