package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func when(condition string, job v1alpha1.Job) v1alpha1.Job {
	job.If = condition
	return job
}

func TestConditionsDecideWhatStarts(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	pipeline := s.pipeline("conditions",
		script("fails", "exit 3"),
		script("passes", `echo '{"level": "high"}' > /dev/termination-log`),
		when("params.deploy == 'true'", script("deploy", "true", "fails", "passes")),
		when("jobs.passes.outputs.level == 'high'", script("high", "true", "passes")),
		when("jobs.passes.outputs.level == 'low'", script("low", "true", "passes")),
		when("jobs.passes.outputs.other == ''", script("broken", "true", "passes")),
		when("failure() && jobs.fails.phase == 'Failed'", script("alarm", `test "$KAYCI_FAILED_JOBS $KAYCI_JOB_FAILS_PHASE $KAYCI_JOB_HIGH_PHASE" = "fails Failed Succeeded"`, "fails", "high")),
		when("always()", script("clean-up", "true", "deploy", "low")),
		script("behind", "true", "low"),
		script("after", "true", "alarm"))
	pipeline.Spec.Params = []v1alpha1.Param{{Name: "deploy", Default: new("true")}}
	s.create(t, pipeline)
	s.start(t, "c", "conditions")
	run := s.awaitEnd(t, "c", v1alpha1.RunFailed)

	want := []string{
		"fails=Failed/Error", "passes=Succeeded", "deploy=Skipped/NeedsFailed", "high=Succeeded", "low=Skipped/ConditionFalse",
		"broken=Failed/InvalidCondition", "alarm=Succeeded", "clean-up=Succeeded", "behind=Skipped/NeedsSkipped", "after=Skipped/NeedsFailed",
	}
	if diff := cmp.Diff(want, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if got := len(s.jobs(t, "c")); got != 5 {
		t.Errorf("there are %d Jobs, want those of the 5 that started", got)
	}
	if got := run.Status.Jobs[5].Message; !strings.Contains(got, "1:20: no such key: other") {
		t.Errorf("the broken condition's message is %q, without its position", got)
	}
}

func TestCancelledRunStartsFinallyJobsAlone(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	tidy := script("tidy", `test "$KAYCI_OUTPUT_HELD_HOST $KAYCI_JOB_HELD_PHASE $KAYCI_RUN_PHASE" = "h1 Cancelled Cancelled"`)
	tidy.Finally = true
	s.create(t, s.pipeline("always",
		script("held", `echo '{"host": "h1"}' > /dev/termination-log; `+s.through("held")),
		when("always()", script("always", "true", "held")), when("failure()", script("failure", "true", "held")), tidy))
	run := s.start(t, "c", "always")
	s.awaitArrival(t, "held")
	patch(t, s, run, func(r *v1alpha1.Run) { r.Spec.Cancelled = true })
	ended := s.awaitEnd(t, "c", v1alpha1.RunCancelled)

	want := []string{"held=Cancelled/Cancelled", "always=Cancelled/Cancelled", "failure=Cancelled/Cancelled", "tidy=Succeeded"}
	if diff := cmp.Diff(want, phases(ended)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if got := len(s.jobs(t, "c")); got != 2 {
		t.Errorf("there are %d Jobs, want the one that was cancelled and the finally job", got)
	}
}

// A commit with a condition that doesn't compile is refused with file, job and
// position, and changes nothing.
func TestConditionThatDoesNotCompileIsRefused(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	s.push(t, repository, map[string]string{"one.jsonnet": jsonnetPipeline("one", "hello")})
	s.create(t, s.configRepo("conditions", repository.URL))
	s.sync(t, "conditions")
	s.push(t, repository, map[string]string{"one.jsonnet": `local ci = import 'kayci.libsonnet';
ci.pipeline('one', jobs=[ci.job('say', ci.script('busybox', 'true'), when='failed()')])`})
	_, ready := s.sync(t, "conditions")

	want := `one.jsonnet: Pipeline/one: spec.jobs[0].if: Invalid value: 1:7: undeclared reference to 'failed'`
	if ready.Status != metav1.ConditionFalse || !strings.Contains(ready.Message, want) {
		t.Errorf("Ready is %s: %q, want False with %q", ready.Status, ready.Message, want)
	}
	var kept v1alpha1.Pipeline
	s.get(t, "one", &kept)
	if kept.Spec.Jobs[0].If != "" {
		t.Errorf("the Pipeline was changed: %+v", kept.Spec.Jobs[0])
	}
}
