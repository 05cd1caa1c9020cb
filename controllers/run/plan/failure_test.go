package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/controllers/run/plan"
)

func initExit(code int32, seconds int) podOption {
	return func(p *corev1.Pod) {
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "clone", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", FinishedAt: *ts(seconds)},
		}}}
	}
}

// TestFailure asks for the reason that a person reads when a Job has failed at
// second 80.
func TestFailure(t *testing.T) {
	t.Parallel()
	failed := podPhase(corev1.PodFailed)
	long := strings.Repeat("x", 600)
	for _, tt := range []struct {
		name string
		job  jobOption
		pods [][]podOption
		want outcome
	}{
		{
			name: "exit code", pods: [][]podOption{{exit(3, "Error", 5), failed}},
			want: outcome{"Failed", "Error", "container main exited with code 3"},
		},
		{
			name: "init container", pods: [][]podOption{{initExit(128, 4), failed}},
			want: outcome{"Failed", "Error", "container clone exited with code 128"},
		},
		{
			name: "the first of several", pods: [][]podOption{{initExit(2, 4), exit(143, "Error", 5), failed}},
			want: outcome{"Failed", "Error", "container clone exited with code 2"},
		},
		{
			name: "out of memory", pods: [][]podOption{{exit(137, "OOMKilled", 5), failed}},
			want: outcome{"Failed", "OOMKilled", "container main ran out of memory and was killed; raise its memory limit"},
		},
		{
			name: "can't be started", pods: [][]podOption{{exit(128, "StartError", 5), failed}},
			want: outcome{"Failed", "StartError", "container main: "},
		},
		{
			name: "timeout", pods: [][]podOption{{deadline(1200), exit(143, "Error", 5), failed, podReason("DeadlineExceeded", "Pod was active…")}},
			want: outcome{"Failed", "TimedOut", "stopped after its timeout of 20m"},
		},
		{
			name: "an eviction is free", pods: [][]podOption{{exit(1, "Error", 5), failed}, {disrupted(6), failed, podReason("Evicted", "low on memory")}},
			want: outcome{"Failed", "Error", "container main exited with code 1"},
		},
		{
			name: "evicted more often than the template's own policy allows", pods: [][]podOption{{failed, podReason("Evicted", "The node was low on resource: memory.")}},
			want: outcome{"Failed", "Evicted", "The node was low on resource: memory."},
		},
		{
			name: "the last attempt tells", pods: [][]podOption{
				{exit(1, "Error", 5), failed, func(p *corev1.Pod) { p.CreationTimestamp = *ts(1) }},
				{exit(2, "Error", 9), failed, func(p *corev1.Pod) { p.CreationTimestamp = *ts(6) }},
			},
			want: outcome{"Failed", "Error", "container main exited with code 2"},
		},
		{
			name: "no pod left", want: outcome{"Failed", "PodDeleted", "the pod was deleted before it had ended"},
		},
		{
			name: "deleted and still there", pods: [][]podOption{{deleted(4), exit(143, "Error", 5), failed}},
			want: outcome{"Failed", "PodDeleted", "the pod was deleted before it had ended"},
		},
		{
			name: "failed, then deleted", pods: [][]podOption{{exit(1, "Error", 5), failed, deleted(6)}},
			want: outcome{"Failed", "Error", "container main exited with code 1"},
		},
		{
			name: "the Job's own deadline", job: verdict(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded, "Job was active longer than specified deadline", 80),
			want: outcome{"Failed", "TimedOut", "the Job was active for longer than its template's activeDeadlineSeconds; its pods and logs are gone"},
		},
		{
			name: "the Job's other reasons", job: verdict(batchv1.JobFailed, batchv1.JobReasonPodFailurePolicy, "matching FailJob rule", 80),
			want: outcome{"Failed", "PodFailurePolicy", "matching FailJob rule"},
		},
		{
			name: "a long text", pods: [][]podOption{{failed, podReason("Evicted", long)}},
			want: outcome{"Failed", "Evicted", long[:511] + "…"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			if tt.job == nil {
				tt.job = backoffLimit(80)
			}
			withJob(f, "a", tt.job)
			for _, pod := range tt.pods {
				withPod(f, "a", "pod", pod...)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(ts(80), d.Status.Jobs[0].CompletionTime); diff != "" {
				t.Errorf("completion time (-want +got):\n%s", diff)
			}
		})
	}
}

// The Job's verdict may be seen before the pod's end, which holds the reason.
func TestFailureWaitsForThePodsNews(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		verdict int
		want    outcome
		requeue bool
	}{
		{name: "just failed", verdict: 99, want: outcome{Phase: "Running"}, requeue: true},
		{name: "no news came", verdict: 80, want: outcome{"Failed", "PodDeleted", "the pod was deleted before it had ended"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", backoffLimit(tt.verdict))
			withPod(f, "a", "pod")
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if (d.RequeueAfter > 0) != tt.requeue {
				t.Errorf("requeue after %s, want one: %t", d.RequeueAfter, tt.requeue)
			}
		})
	}
}

func TestPending(t *testing.T) {
	t.Parallel()
	unschedulable := func(p *corev1.Pod) {
		unstarted(p)
		p.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available",
		}}
	}
	for _, tt := range []struct {
		name     string
		recorded outcome
		job      jobOption
		pod      podOption
		want     outcome
	}{
		{name: "on its way", pod: waiting("ContainerCreating", ""), want: outcome{Phase: "Running"}},
		{name: "not scheduled yet", pod: unstarted, want: outcome{Phase: "Running"}},
		{name: "unschedulable", pod: unschedulable, want: outcome{"Running", "Unschedulable", "0/1 nodes are available"}},
		{
			name: "image", pod: waiting("ErrImagePull", "not found"),
			want: outcome{"Running", "ImagePullBackOff", "container main: can't pull image registry.example.com/app:1: not found"},
		},
		{
			name: "image, later", pod: waiting("ImagePullBackOff", `Back-off pulling image "app:1": ErrImagePull: not found`),
			want: outcome{"Running", "ImagePullBackOff", "container main: can't pull image registry.example.com/app:1: not found"},
		},
		{
			name: "unschedulable, in other numbers", recorded: outcome{"Running", "Unschedulable", "0/3 nodes are available"}, pod: unschedulable,
			want: outcome{"Running", "Unschedulable", "0/3 nodes are available"},
		},
		{
			name: "config, as more is known", recorded: outcome{"Running", "CreateContainerConfigError", "container main: failed to sync secret cache"},
			pod:  waiting("CreateContainerConfigError", `secret "token" not found`),
			want: outcome{"Running", "CreateContainerConfigError", `container main: secret "token" not found`},
		},
		{
			name: "config", pod: waiting("CreateContainerConfigError", `secret "token" not found`),
			want: outcome{"Running", "CreateContainerConfigError", `container main: secret "token" not found`},
		},
		{name: "solved", recorded: outcome{"Running", "Unschedulable", "0/1"}, pod: func(*corev1.Pod) {}, want: outcome{Phase: "Running"}},
		{
			name: "queued", job: suspend, pod: unstarted,
			want: outcome{"Running", "Suspended", "its Job is suspended: it waits in a queue, or somebody holds it"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			if tt.recorded.Phase != "" {
				record(f, "a", tt.recorded.Phase)
				f.Run.Status.Jobs[0].Reason, f.Run.Status.Jobs[0].Message = tt.recorded.Reason, tt.recorded.Message
			}
			if tt.job == nil {
				tt.job = func(*batchv1.Job) {}
			}
			withJob(f, "a", tt.job)
			withPod(f, "a", "pod", tt.pod)
			if diff := cmp.Diff(tt.want, outcomes(plan.Decide(f))["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}
