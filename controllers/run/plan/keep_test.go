package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// kept adds the container that keeps things, which has ended.
func kept(code int32, message string) podOption {
	return func(p *corev1.Pod) {
		keeper(&p.Spec)
		p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, corev1.ContainerStatus{
			Name:  v1alpha1.KeepContainer,
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message, FinishedAt: *ts(8)}},
		})
	}
}

// keeper is the container alone, as a template has it.
func keeper(spec *corev1.PodSpec) {
	spec.InitContainers = append(spec.InitContainers, corev1.Container{Name: v1alpha1.KeepContainer, RestartPolicy: new(corev1.ContainerRestartPolicyAlways)})
}

const (
	fullStore   = `{"error": "keeping artifact dist failed: the store is full", "tests": {"tests": 3}, "warnings": ["a.xml is no XML"]}`
	notKept     = "its program succeeded, but keeping artifact dist failed: the store is full"
	threeFailed = `{"tests": {"tests": 1204, "failed": 3, "failures": [{"class": "web", "name": "TestA", "message": "got 1"}, {"name": "TestB"}]}}`
)

func TestKept(t *testing.T) {
	t.Parallel()
	three := &v1alpha1.TestSummary{Total: 1204, Failed: 3, Failures: []v1alpha1.FailedTest{{Class: "web", Name: "TestA", Message: "got 1"}, {Name: "TestB"}}}
	succeeded := []podOption{exit(0, "Completed", 5), podPhase(corev1.PodSucceeded)}
	failed := []podOption{exit(1, "Error", 5), podPhase(corev1.PodFailed)}
	two := func(j *batchv1.Job) { j.Spec.Completions = new(int32(2)) }
	complete := verdict(batchv1.JobComplete, "", "", 80)
	type result struct {
		Job      outcome
		Outputs  map[string]string
		Tests    *v1alpha1.TestSummary
		Warnings []string
		Run      string
	}
	const none = "; 0 of 2 jobs succeeded"
	for _, tt := range []struct {
		name string
		job  []jobOption
		pod  []podOption
		// outputs that the job has to leave.
		outputs []string
		want    result
	}{
		{name: "all", pod: append(succeeded, kept(0, "")), want: result{Job: outcome{Phase: "Succeeded"}, Run: "1 of 2 jobs succeeded"}},
		{
			name: "all, before the pod has ended", pod: []podOption{exit(0, "Completed", 5), kept(0, threeFailed)},
			want: result{Job: outcome{Phase: "Succeeded"}, Tests: three, Run: "1 of 2 jobs succeeded"},
		},
		{
			name: "all, and outputs, and tests", outputs: []string{"a"}, pod: append(succeeded, left("main", `{"a": "b"}`), kept(0, `{"tests": {"tests": 3, "flaky": 1}}`)),
			want: result{Job: outcome{Phase: "Succeeded"}, Outputs: map[string]string{"a": "b"}, Tests: &v1alpha1.TestSummary{Total: 3, Flaky: 1}, Run: "1 of 2 jobs succeeded"},
		},
		{
			name: "not all", pod: append(succeeded, left("main", `{"a": "b"}`), kept(1, fullStore)),
			want: result{outcome{"Failed", "ArtifactsFailed", notKept}, map[string]string{"a": "b"}, &v1alpha1.TestSummary{Total: 3}, []string{"a.xml is no XML"}, "job a failed: ArtifactsFailed: " + notKept + none},
		},
		{
			name: "not all, and bad outputs", pod: append(succeeded, left("main", "{"), kept(1, fullStore)),
			want: result{
				outcome{"Failed", "InvalidOutputs", badOutputs + "; keeping artifact dist failed: the store is full"},
				nil, &v1alpha1.TestSummary{Total: 3},
				[]string{"a.xml is no XML"},
				"job a failed: InvalidOutputs: container main: its termination message is no JSON object of strings: decode JSON: unexpected end of JSON input; keeping artifact dist failed: the store is full" + none,
			},
		},
		{
			name: "killed", pod: append(succeeded, kept(137, "")),
			want: result{
				Job: outcome{"Failed", "ArtifactsFailed", "its program succeeded, but keeping what it leaves didn't end within the pod's grace period of 30s: raise terminationGracePeriodSeconds or the timeout of ci.artifacts"},
				Run: "job a failed: ArtifactsFailed: its program succeeded, but keeping what it leaves didn't end within the pod's gr…riod of 30s: raise terminationGracePeriodSeconds or the timeout of ci.artifacts" + none,
			},
		},
		{
			name: "evicted while it kept", pod: append(succeeded, disrupted(7), kept(137, "")),
			want: result{
				Job: outcome{"Failed", "ArtifactsFailed", "its program succeeded, but the pod was told to end before it had kept what it leaves"},
				Run: "job a failed: ArtifactsFailed: its program succeeded, but the pod was told to end before it had kept what it leaves" + none,
			},
		},
		{
			name: "tests failed", job: []jobOption{backoffLimit(80)}, pod: append(failed, kept(0, threeFailed)),
			want: result{Job: outcome{"Failed", "Error", exitedWith1}, Tests: three, Run: "job a failed: 3 of 1,204 tests failed: TestA, TestB and 1 more" + none},
		},
		{
			name: "tests failed, out of memory", job: []jobOption{backoffLimit(80)}, pod: append(failed, exit(137, "OOMKilled", 5), kept(0, threeFailed)),
			want: result{Job: outcome{"Failed", "OOMKilled", noMemory}, Tests: three, Run: "job a failed: OOMKilled: " + noMemory + "; 3 of 1,204 tests failed: TestA, TestB and 1 more" + none},
		},
		{
			name: "tests failed, and a program that doesn't mind", pod: append(succeeded, kept(0, threeFailed)),
			want: result{Job: outcome{Phase: "Succeeded"}, Tests: three, Run: "1 of 2 jobs succeeded"},
		},
		{
			name: "two pods, one of which couldn't", job: []jobOption{two, complete}, pod: append(succeeded, kept(1, fullStore)),
			want: result{Job: outcome{"Failed", "ArtifactsFailed", notKept}, Run: "job a failed: ArtifactsFailed: " + notKept + none},
		},
		{name: "two pods", job: []jobOption{two, complete}, pod: append(succeeded, kept(0, threeFailed)), want: result{Job: outcome{Phase: "Succeeded"}, Run: "1 of 2 jobs succeeded"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Spec.Jobs[0].Outputs = tt.outputs
			withJob(f, "a", tt.job...)
			withPod(f, "a", "pod", tt.pod...)
			// What comes after that in the Run's message is about the job behind it.
			f.Deferred = map[string]plan.Refusal{"b": {Reason: "Later"}}
			d := plan.Decide(f)
			s := d.Status.Jobs[0]
			run, _, _ := strings.Cut(d.Status.Conditions[0].Message, "; b: Later")
			if diff := cmp.Diff(tt.want, result{outcomes(d)["a"], s.Outputs, s.Tests, s.Warnings, run}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// What the status says stays, whatever becomes of the pod.
			f.Run.Status, f.Pods = *d.Status.DeepCopy(), nil
			if diff := cmp.Diff(s, plan.Decide(f).Status.Jobs[0]); diff != "" {
				t.Errorf("deciding again changed the job (-first +second):\n%s", diff)
			}
		})
	}
}

// News of a Job may come before those of its pods, of which each may have failed to keep
// something.
func TestKeptOfSeveralPodsIsWaitedFor(t *testing.T) {
	t.Parallel()
	for second, want := range map[int]v1alpha1.JobPhase{99: v1alpha1.JobRunning, 80: v1alpha1.JobSucceeded} {
		f := facts(spec("a"))
		withJob(f, "a", func(j *batchv1.Job) { j.Spec.Completions = new(int32(2)) }, verdict(batchv1.JobComplete, "", "", second))
		withPod(f, "a", "pod", kept(1, fullStore))
		d := plan.Decide(f)
		if got := phases(d)["a"]; got != want || (d.RequeueAfter > 0) != (want == v1alpha1.JobRunning) {
			t.Errorf("complete since second %d: the job is %s, requeue after %s", second, got, d.RequeueAfter)
		}
	}
}

func TestPodThatKeptIsGone(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	keeper(&f.Spec.Jobs[0].Template.Spec.Template.Spec)
	f.Undisturbed = map[string]bool{"a": true}
	withJob(f, "a", verdict(batchv1.JobComplete, "", "", 80))
	want := outcome{"Succeeded", "", "its pod is gone, with its log and outputs; its events say that it ended by itself, and whether it kept what it was to isn't known"}
	if diff := cmp.Diff(want, outcomes(plan.Decide(f))["a"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is said of tests fits the Run's status, however many jobs have tests.
func TestFindingsHaveRoom(t *testing.T) {
	t.Parallel()
	var failures []string
	for i := range 7 {
		failures = append(failures, fmt.Sprintf(`{"name": "Test%d", "message": %q}`, i, strings.Repeat("x", 250)))
	}
	message := fmt.Sprintf(`{"tests": {"tests": 7, "failed": 7, "failures": [%s]}, "warnings": [%q]}`, strings.Join(failures, ","), strings.Repeat("w", 250))
	f := facts()
	for i := range 64 {
		name := fmt.Sprintf("job-%d", i)
		f.Spec.Jobs = append(f.Spec.Jobs, spec(name))
		withJob(f, name)
		withPod(f, name, name, exit(0, "Completed", 5), podPhase(corev1.PodSucceeded), kept(0, message))
	}
	size, whole := 0, 0
	for _, s := range plan.Decide(f).Status.Jobs {
		size += evidence.FindingBytes(s.Tests, s.Warnings)
		switch {
		case s.Phase != v1alpha1.JobSucceeded || s.Tests == nil || s.Tests.Failed != 7:
			t.Fatalf("%+v", s)
		case len(s.Tests.Failures) == 7 && len(s.Warnings) == 1:
			whole++
		case len(s.Tests.Failures) > 0 || len(s.Warnings) > 0:
			t.Errorf("%d failures and %d warnings", len(s.Tests.Failures), len(s.Warnings))
		}
	}
	if size > 64<<10 || whole != 64<<10/(7*255+250) {
		t.Errorf("%d bytes, of %d jobs", size, whole)
	}
}
