package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

func created(seconds int) podOption {
	return func(p *corev1.Pod) { p.CreationTimestamp = *ts(seconds) }
}

func unscheduled(reason, message string) podOption {
	return func(p *corev1.Pod) {
		unstarted(p)
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: message}}
	}
}

// after puts an init container before the others, which are waiting.
func after(init corev1.Container, state corev1.ContainerState) podOption {
	return func(p *corev1.Pod) {
		waiting("PodInitializing", "")(p)
		p.Spec.InitContainers = []corev1.Container{init}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: init.Name, State: state}}
	}
}

// TestPendingTimeout decides, at second 100, about a job that may be pending for
// 60 seconds, and about the job `b` that needs it.
func TestPendingTimeout(t *testing.T) {
	t.Parallel()
	const limit = time.Minute
	clone := corev1.Container{Name: "clone"}
	sidecar := corev1.Container{Name: "proxy", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := func(second int) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: *ts(second)}}
	}
	image := waiting("ErrImagePull", "not found")
	const noImage = "container main: can't pull image registry.example.com/app:1: not found"
	running := outcome{Phase: "Running"}
	for _, tt := range []struct {
		name    string
		job     []jobOption
		pods    [][]podOption
		cancel  bool
		want    outcome
		requeue time.Duration
	}{
		{name: "in time", pods: [][]podOption{{image, created(41)}}, want: outcome{"Running", "ImagePullBackOff", noImage}, requeue: time.Second},
		{name: "image", pods: [][]podOption{{image, created(40)}}, want: outcome{"Failed", "ImagePullBackOff", noImage + " (pending for 1m)"}},
		{
			name: "no node", pods: [][]podOption{{unscheduled("Unschedulable", "0/1 nodes are available"), created(40)}},
			want: outcome{"Failed", "Unschedulable", "0/1 nodes are available (pending for 1m)"},
		},
		{
			name: "Secret", pods: [][]podOption{{waiting("CreateContainerConfigError", `secret "token" not found`), created(40)}},
			want: outcome{"Failed", "CreateContainerConfigError", `container main: secret "token" not found (pending for 1m)`},
		},
		{
			name: "no reason", pods: [][]podOption{{waiting("ContainerCreating", ""), created(40)}},
			want: outcome{"Failed", "NotStarted", "its pod has not started, and nothing says why (pending for 1m)"},
		},
		{
			name: "a long text", pods: [][]podOption{{unscheduled("Unschedulable", strings.Repeat("x", 600)), created(40)}},
			want: outcome{"Failed", "Unschedulable", strings.Repeat("x", 494) + "… (pending for 1m)"},
		},
		{name: "runs", pods: [][]podOption{{created(1)}}, want: running},
		{name: "an init container runs", pods: [][]podOption{{after(clone, runs), created(1)}}, want: running},
		{name: "an init container had to end first", pods: [][]podOption{{after(clone, ended(50)), created(1)}}, want: running, requeue: 10 * time.Second},
		{
			name: "pending after an init container", pods: [][]podOption{{after(clone, ended(40)), created(1)}},
			want: outcome{"Failed", "NotStarted", "its pod has not started, and nothing says why (pending for 1m)"},
		},
		{
			name: "a sidecar runs", pods: [][]podOption{{after(sidecar, runs), created(1)}},
			want: outcome{"Failed", "NotStarted", "its pod has not started, and nothing says why (pending for 1m)"},
		},
		{name: "the scheduler fails", pods: [][]podOption{{unscheduled("SchedulerError", "nodeinfo not found"), created(1)}}, want: outcome{"Failed", "SchedulerError", "nodeinfo not found (pending for 1m)"}},
		{name: "held by a gate", pods: [][]podOption{{unscheduled("SchedulingGated", "gated"), created(1)}}, want: outcome{"Running", "SchedulingGated", "gated"}},
		{
			name: "in a queue", job: []jobOption{suspend},
			want: outcome{"Running", "Suspended", "its Job is suspended: it waits in a queue, or somebody holds it"},
		},
		{
			name: "being replaced", pods: [][]podOption{{unstarted, created(1), deleted(90), disrupted(90)}},
			want: outcome{"Running", "Disrupted", "pod pod is replaced, at no cost to the retries: EvictionByEvictionAPI: no more is known"}, requeue: 50 * time.Second,
		},
		{
			name: "the next attempt", pods: [][]podOption{{created(1), exit(1, "Error", 55), podPhase(corev1.PodFailed)}, {image, created(65)}},
			want: outcome{"Running", "ImagePullBackOff", noImage}, requeue: 25 * time.Second,
		},
		{
			name: "one of several runs", job: []jobOption{func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = new(int32(2)), new(int32(2)) }},
			pods: [][]podOption{{created(1)}, {unscheduled("Unschedulable", "full"), created(1)}}, want: outcome{"Running", "Unschedulable", "full"},
		},
		{
			name: "one of several ran till now", job: []jobOption{func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = new(int32(2)), new(int32(2)) }},
			pods: [][]podOption{{created(1), exit(0, "Completed", 90), podPhase(corev1.PodSucceeded)}, {unscheduled("Unschedulable", "full"), created(1)}},
			want: outcome{"Running", "Unschedulable", "full"}, requeue: 50 * time.Second,
		},
		{name: "in a Run that is cancelled", cancel: true, pods: [][]podOption{{image, created(1)}}, want: outcome{"Running", "ImagePullBackOff", noImage}, requeue: 150 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Spec.PendingTimeout = &metav1.Duration{Duration: limit}
			f.Run.Spec.Cancelled = tt.cancel
			withJob(f, "a", tt.job...)
			for _, pod := range tt.pods {
				withPod(f, "a", "pod", pod...)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if d.RequeueAfter != tt.requeue {
				t.Errorf("another look after %s, want %s", d.RequeueAfter, tt.requeue)
			}
			if b := phases(d)["b"]; (b == v1alpha1.JobSkipped) != (tt.want.Phase == v1alpha1.JobFailed) {
				t.Errorf("job b is %s", b)
			}
		})
	}
}

// What a job waits for without a pod, or without a Job, ends with it as well.
func TestPendingTimeoutWithoutAPod(t *testing.T) {
	t.Parallel()
	deferral := func(f *plan.Facts) {
		f.Deferred = map[string]plan.Refusal{"a": {Reason: "QuotaExceeded", Message: "now"}}
	}
	denied := func(f *plan.Facts) { withJob(f, "a", taken(0)) }
	for _, tt := range []struct {
		name    string
		arrange func(*plan.Facts)
		phase   v1alpha1.JobPhase
		reason  string
		since   *metav1.Time
		want    outcome
		since2  *metav1.Time
	}{
		{name: "quota", arrange: deferral, phase: "Waiting", reason: "QuotaExceeded", since: ts(40), want: outcome{"Failed", "QuotaExceeded", "first (pending for 1m)"}},
		{name: "quota, in time", arrange: deferral, phase: "Waiting", reason: "QuotaExceeded", since: ts(41), want: outcome{"Waiting", "QuotaExceeded", "first"}, since2: ts(41)},
		{name: "quota, new", arrange: deferral, phase: "Waiting", reason: "AwaitingNeeds", want: outcome{"Waiting", "QuotaExceeded", "now"}, since2: ts(100)},
		{name: "pod denied", arrange: denied, phase: "Running", reason: "FailedCreate", since: ts(40), want: outcome{"Failed", "FailedCreate", "first (pending for 1m)"}},
		{name: "pod denied, in time", arrange: denied, phase: "Running", reason: "FailedCreate", since: ts(41), want: outcome{"Running", "FailedCreate", "first"}, since2: ts(41)},
		{
			name: "no pod, no reason", arrange: denied, phase: "Running", reason: "AwaitingPod", since: ts(40),
			want: outcome{"Failed", "AwaitingPod", "first (pending for 1m)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			f.Spec.PendingTimeout = &metav1.Duration{Duration: time.Minute}
			f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "a", Phase: tt.phase, Reason: tt.reason, Message: "first", WaitingSince: tt.since}}
			tt.arrange(f)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.since2, d.Status.Jobs[0].WaitingSince); diff != "" {
				t.Errorf("waiting since (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatIsLeftOfAnExpiredJob: first the reason is recorded, then what is left
// is stopped. A pod on a node may hold an init container's log.
func TestWhatIsLeftOfAnExpiredJob(t *testing.T) {
	t.Parallel()
	pod := []types.NamespacedName{{Namespace: "ci", Name: "pod"}}
	for _, tt := range []struct {
		name     string
		recorded v1alpha1.JobPhase
		job      []jobOption
		pod      []podOption
		stop     []types.NamespacedName
		end      []string
		remove   []string
		requeue  time.Duration
	}{
		{name: "not recorded", recorded: "Running", pod: []podOption{waiting("ErrImagePull", "")}},
		{name: "on a node", recorded: "Failed", pod: []podOption{waiting("ErrImagePull", "")}, stop: pod},
		{name: "on no node", recorded: "Failed", pod: []podOption{unstarted}, end: []string{"a"}},
		{name: "being stopped", recorded: "Failed", pod: []podOption{waiting("ErrImagePull", ""), deadline(1)}},
		{name: "stopped, could be retried", recorded: "Failed", pod: []podOption{deadline(1), podPhase(corev1.PodFailed)}, end: []string{"a"}},
		{name: "no pod could be created", recorded: "Failed", job: []jobOption{taken(1)}, end: []string{"a"}},
		{name: "told to end", recorded: "Failed", job: []jobOption{taken(1), toEnd}},
		{name: "held by a queue", recorded: "Failed", job: []jobOption{suspend}, remove: []string{"a"}},
		{name: "of another controller", recorded: "Failed", job: []jobOption{managed}, remove: []string{"a"}},
		{name: "failed", recorded: "Failed", job: []jobOption{backoffLimit(90)}, pod: []podOption{podPhase(corev1.PodFailed)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			f.Spec.PendingTimeout = &metav1.Duration{Duration: time.Minute}
			if record(f, "a", tt.recorded); tt.recorded.Finished() {
				f.Run.Status.Phase = v1alpha1.RunFailed
			}
			withJob(f, "a", tt.job...)
			if tt.pod != nil {
				withPod(f, "a", "pod", tt.pod...)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(actions{StopPods: tt.stop, EndJobs: tt.end, DeleteJobs: tt.remove}, actionsOf(d)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if d.RequeueAfter != tt.requeue {
				t.Errorf("another look after %s, want %s", d.RequeueAfter, tt.requeue)
			}
		})
	}
}
