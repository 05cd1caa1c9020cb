package lean_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/lean"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// keep returns what is kept of the object.
func keep[T client.Object](t *testing.T, cache *lean.Cache, obj T) T {
	t.Helper()
	transform := cache.Run
	switch any(obj).(type) {
	case *batchv1.Job:
		transform = cache.Job
	case *corev1.Pod:
		transform = cache.Pod
	}
	kept, err := transform(obj)
	if err != nil {
		t.Fatal(err)
	}
	typed, is := kept.(T)
	if !is {
		t.Fatalf("kept a %T of a %T", kept, obj)
	}
	return typed
}

// Whatever else an API server says of a Job, of many of them it would be most of
// the process's memory.
func TestJob(t *testing.T) {
	t.Parallel()
	full := finishedJob(0, 0)
	want := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion, Generation: 1, CreationTimestamp: at(0, 0),
			Labels:          map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.RunLabel: "web-push-k7x2m00000", v1alpha1.JobLabel: "test"},
			Annotations:     map[string]string{"kayci.dev/run-number": "1"},
			OwnerReferences: full.OwnerReferences,
		},
		Spec: batchv1.JobSpec{
			Parallelism: new(int32(1)), Completions: new(int32(1)), BackoffLimit: new(int32(0)), CompletionMode: new(batchv1.NonIndexedCompletion), Suspend: new(false),
			PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: make([]batchv1.PodFailurePolicyRule, 2)},
		},
		Status: batchv1.JobStatus{Conditions: full.Status.Conditions, StartTime: new(at(0, 0)), CompletionTime: new(at(0, 9)), Succeeded: 1},
	}
	if diff := cmp.Diff(want, keep(t, &lean.Cache{}, finishedJob(0, 0))); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestPod(t *testing.T) {
	t.Parallel()
	full := finishedPod(0, 0)
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion, Generation: 1, CreationTimestamp: at(0, 0),
			Labels:          map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.RunLabel: "web-push-k7x2m00000", v1alpha1.JobLabel: "test"},
			OwnerReferences: full.OwnerReferences,
		},
		Spec: corev1.PodSpec{
			NodeName: "node-0.example.com", ActiveDeadlineSeconds: new(int64(1200)), TerminationGracePeriodSeconds: new(int64(30)),
			Containers: []corev1.Container{{Name: "main", TerminationMessagePolicy: corev1.TerminationMessageReadFile}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodSucceeded, StartTime: new(at(0, 0)),
			Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, ObservedGeneration: 1, Status: corev1.ConditionTrue, LastTransitionTime: at(0, 0)}},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name:  "main",
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: at(0, 1), FinishedAt: at(0, 8)}},
			}},
		},
	}
	if diff := cmp.Diff(want, keep(t, &lean.Cache{}, finishedPod(0, 0))); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// A Run is patched by what it differs in from what is kept of it.
func TestRunIsKeptWhole(t *testing.T) {
	t.Parallel()
	want := finishedRun(0)
	want.ManagedFields = nil
	for _, params := range []map[string]string{nil, {}, {"a": "b"}} {
		full := finishedRun(0)
		want.Spec.Params, full.Spec.Params = params, params
		if diff := cmp.Diff(want, keep(t, &lean.Cache{}, full)); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
	}
}

// What a pod's conditions and containers say is seen as before.
func TestWhatIsReadStays(t *testing.T) {
	t.Parallel()
	condition := func(kind corev1.PodConditionType, status corev1.ConditionStatus) corev1.PodCondition {
		return corev1.PodCondition{Type: kind, Status: status, Reason: "Why", Message: "because", LastTransitionTime: at(0, 5)}
	}
	for name, change := range map[string]func(*corev1.Pod){
		"succeeded": func(*corev1.Pod) {},
		"disrupted": func(p *corev1.Pod) {
			p.Status.Conditions = append(p.Status.Conditions, condition(corev1.DisruptionTarget, "True"))
		},
		"own grace":   func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(300)) },
		"turned away": func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "OutOfcpu"} },
		"never scheduled": func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", Conditions: []corev1.PodCondition{condition(corev1.PodScheduled, "False")}}
		},
		"no image": func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodPending
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}}
		},
		"stalled": func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodPending
			p.Status.Conditions = []corev1.PodCondition{condition(corev1.PodReadyToStartContainers, "False"), condition(corev1.PodScheduled, "True")}
		},
		"its end is the log's": func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodFailed
			p.Spec.Containers[0].TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
			ended := p.Status.ContainerStatuses[0].State.Terminated
			ended.ExitCode, ended.Reason, ended.Message = 1, "Error", `{"level": "error"}`
		},
		"couldn't keep all": keeping(1, `{"error": "no", "tests": {"tests": 3, "failed": 1, "failures": [{"name": "TestA"}]}, "warnings": ["a"]}`),
		"kept for too long": keeping(137, ""),
		"end unknown": func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodFailed
			ended := p.Status.ContainerStatuses[0].State.Terminated
			ended.ExitCode, ended.Reason = 137, "ContainerStatusUnknown"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, kept := finishedPod(0, 0), finishedPod(0, 0)
			change(full)
			change(kept)
			kept = keep(t, &lean.Cache{}, kept)
			if diff := cmp.Diff(seen(full), seen(kept)); diff != "" {
				t.Errorf("seen (-of all of it +of what is kept):\n%s", diff)
			}
		})
	}
}

// keeping adds the container that keeps things, which has ended.
func keeping(code int32, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{Name: v1alpha1.KeepContainer, Image: "kayci", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{
			Name: v1alpha1.KeepContainer, Image: "kayci", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", Message: message, FinishedAt: at(0, 9)}},
		}}
	}
}

// seen is what package evidence says of a pod.
func seen(pod *corev1.Pod) map[string]any {
	job := finishedJob(0, 0)
	failed := finishedJob(0, 0)
	failed.Status.Conditions[1].Type = batchv1.JobFailed
	pods := []corev1.Pod{*pod}
	reason, message := evidence.Failure(failed, pods, evidence.Why{})
	problem, why := evidence.Problem(pods)
	outputs, invalid, err := evidence.Outputs(pod, false)
	end, said := evidence.ServiceEnd(failed, pods, at(0, 59).Time)
	unkept, byItself := evidence.Unkept(pod)
	tests, warnings := evidence.Tests(pods)
	_, culprit := evidence.Culprit(pods)
	return map[string]any{
		"failure": []string{reason, message}, "problem": []string{problem, why}, "outputs": outputs, "invalid": []any{invalid, err != nil},
		"service": []string{end, said}, "leftovers": evidence.Leftovers(pods), "passed": evidence.Passed(job, pods) != nil, "interrupted": evidence.Interrupted(job, pods) != nil,
		"disrupted": evidence.WasDisrupted(pod), "turned away": evidence.TurnedAway(pod), "disrupted at": evidence.DisruptedAt(pod).String(), "why": evidence.WhyDisrupted(pod),
		"begun": evidence.Begun(pod), "grace": evidence.Grace(pod), "deadline": evidence.DeadlineOf(pod), "pending": evidence.PendingSince(pods),
		"stalled": evidence.StalledPod(pods) != nil, "ready": evidence.Ready(pods), "replaced": evidence.Replaced(job, pods), "withdrawn": evidence.Withdrawn(job, pod),
		"late": evidence.LatePod(failed, pods) != nil, "cut short": evidence.CutShort(pod), "finished": evidence.FinishedAt(pod), "unproven": evidence.Unproven(job, pods, at(9, 0).Add(time.Hour)),
		"times": evidence.TimesOf(job, pods, nil), "unkept": []any{unkept, byItself}, "tests": tests, "warnings": warnings, "culprit": culprit,
	}
}

// Objects that have something in common have it once.
func TestObjectsShare(t *testing.T) {
	t.Parallel()
	var cache lean.Cache
	job, pod := keep(t, &cache, finishedJob(0, 0)), keep(t, &cache, finishedPod(0, 0))
	if reflect.ValueOf(job.Labels).Pointer() != reflect.ValueOf(pod.Labels).Pointer() {
		t.Error("a Job and its pod have labels of their own")
	}
	if other := keep(t, &cache, finishedPod(1, 0)); &other.Spec.Containers[0] != &pod.Spec.Containers[0] {
		t.Error("two pods of a job have containers of their own")
	}
}
