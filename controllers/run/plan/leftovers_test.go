package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// What a failed job has left reaches the jobs that handle its failure. Nothing
// that is written there changes why it has failed.
func TestOutputsOfAFailedJob(t *testing.T) {
	t.Parallel()
	logs := func(p *corev1.Pod) {
		p.Spec.Containers[0].TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	for _, tt := range []struct {
		name string
		pod  []podOption
		job  []jobOption
		want map[string]string
	}{
		{name: "none", pod: []podOption{ended("main", "", 1)}},
		{name: "of the container that failed", pod: []podOption{ended("main", `{"cluster": "c1"}`, 1)}, want: map[string]string{"cluster": "c1"}},
		{
			name: "of a step before it", pod: []podOption{left("init-1", `{"cluster": "c1", "b": "1"}`), ended("main", `{"b": "2"}`, 1)},
			want: map[string]string{"cluster": "c1", "b": "2"},
		},
		{name: "text", pod: []podOption{left("init-1", `{"cluster": "c1"}`), ended("main", "it broke", 1)}, want: map[string]string{"cluster": "c1"}},
		{name: "half an object", pod: []podOption{left("init-1", `{"cluster": "c1"}`), ended("main", `{"a":`, 1)}, want: map[string]string{"cluster": "c1"}},
		{name: "a number", pod: []podOption{ended("main", `{"a": 1}`, 1)}},
		{name: "no names", pod: []podOption{ended("main", `{}`, 1)}},
		{name: "cut", pod: []podOption{ended("main", object(4096), 1)}},
		{name: "alike", pod: []podOption{left("init-1", `{"a": "1"}`), ended("main", `{"A": "1"}`, 1)}},
		{name: "another job's", pod: []podOption{ended("main", `{"web_version": "1"}`, 1)}},
		{name: "a log", pod: []podOption{ended("main", `{"level": "error"}`, 1), logs}},
		{name: "no log", pod: []podOption{left("init-1", ""), ended("main", `{"a": "b"}`, 0), logs, podReason("DeadlineExceeded", "")}, want: map[string]string{"a": "b"}},
		{
			name: "of a Job of several pods", pod: []podOption{ended("main", `{"a": "b"}`, 1)},
			job: []jobOption{func(j *batchv1.Job) { j.Spec.Completions = new(int32(2)) }},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("a-web"), when("failure()", "tidy", "a"))
			f.Expressions = expressions(t)
			withJob(f, "a", append(tt.job, backoffLimit(80))...)
			withPod(f, "a", "pod", append(tt.pod, podPhase(corev1.PodFailed))...)
			reason := plan.Decide(withMessages(f, "")).Status.Jobs[0]
			d := plan.Decide(f)
			got := d.Status.Jobs[0]
			if diff := cmp.Diff(tt.want, got.Outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if got.Phase != v1alpha1.JobFailed || got.Reason != reason.Reason || got.Message != reason.Message {
				t.Errorf("%s %s: %q, want %s: %q", got.Phase, got.Reason, got.Message, reason.Reason, reason.Message)
			}
			if diff := cmp.Diff([]string{"a-web"}, d.Create); diff != "" {
				t.Errorf("create before the failure is recorded (-want +got):\n%s", diff)
			}
			f.Run.Status, f.Pods = *d.Status.DeepCopy(), nil
			again := plan.Decide(f)
			if diff := cmp.Diff(got, again.Status.Jobs[0]); diff != "" {
				t.Errorf("deciding again changed the job (-first +second):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"a-web", "tidy"}, again.Create); diff != "" {
				t.Errorf("create (-want +got):\n%s", diff)
			}
		})
	}
}

// withMessages returns the same facts, but that each container has left this message.
func withMessages(f *plan.Facts, message string) *plan.Facts {
	with := *f
	with.Pods = map[string][]corev1.Pod{}
	for name, pods := range f.Pods {
		for i := range pods {
			pod := *pods[i].DeepCopy()
			for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
				for k := range statuses {
					statuses[k].State.Terminated.Message = message
				}
			}
			with.Pods[name] = append(with.Pods[name], pod)
		}
	}
	return &with
}

// The last pod of a job that was tried again is the one that counts, and one
// that was stopped with its Run has left something, too.
func TestOutputsOfTheLastPod(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	withJob(f, "a", suspend)
	withPod(f, "a", "later", ended("main", `{"a": "2"}`, 143), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", ""), deadline(1), func(p *corev1.Pod) { p.CreationTimestamp = *ts(20) })
	withPod(f, "a", "earlier", ended("main", `{"a": "1"}`, 1), podPhase(corev1.PodFailed))
	f.Run.Spec.Cancelled = true
	got := plan.Decide(f).Status.Jobs[0]
	if diff := cmp.Diff(map[string]string{"a": "2"}, got.Outputs); got.Phase != v1alpha1.JobCancelled || diff != "" {
		t.Errorf("%s, outputs (-want +got):\n%s", got.Phase, diff)
	}
}

// They have no more room than those of a job that succeeds.
func TestOutputsOfFailedJobsAreBounded(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"), spec("b"))
	f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "b", Phase: v1alpha1.JobSucceeded, Outputs: map[string]string{"a": strings.Repeat("x", 64<<10-2)}}}
	withJob(f, "a", backoffLimit(80))
	withPod(f, "a", "pod", ended("main", `{"a": "1"}`, 1), podPhase(corev1.PodFailed))
	if got := plan.Decide(f).Status.Jobs[0]; len(got.Outputs) > 0 || got.Reason != v1alpha1.ReasonError {
		t.Errorf("%s with %v", got.Reason, got.Outputs)
	}
}
