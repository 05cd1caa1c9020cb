package plan_test

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// at returns a time of the tests' day, in seconds after its start.
func at(seconds int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, seconds, 0, time.UTC)
}

func ts(seconds int) *metav1.Time { return &metav1.Time{Time: at(seconds)} }

// facts of a Run of these jobs, of which none has a Job, at second 100.
func facts(jobs ...v1alpha1.Job) *plan.Facts {
	return &plan.Facts{
		Run: &v1alpha1.Run{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run", UID: "run-uid", Generation: 1},
			Spec:       v1alpha1.RunSpec{Pipeline: "web"},
		},
		Spec:   v1alpha1.PipelineSpec{Jobs: jobs},
		Number: 3,
		Jobs:   map[string]*batchv1.Job{},
		Pods:   map[string][]corev1.Pod{},
		Now:    at(100),
	}
}

func spec(name string, needs ...string) v1alpha1.Job {
	return v1alpha1.Job{Name: name, Needs: needs}
}

// record puts what an earlier decision has found into the Run's status.
func record(f *plan.Facts, name string, phase v1alpha1.JobPhase) {
	f.Run.Status.Jobs = append(f.Run.Status.Jobs, v1alpha1.JobStatus{Name: name, Phase: phase})
}

type jobOption func(*batchv1.Job)

// withJob adds a Job, made at second 0.
func withJob(f *plan.Facts, name string, opts ...jobOption) {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ci", Name: "run-" + name, UID: types.UID("job-" + name), CreationTimestamp: *ts(0),
		Labels: map[string]string{v1alpha1.JobLabel: name},
	}}
	for _, opt := range opts {
		opt(job)
	}
	f.Jobs[name] = job
}

func verdict(kind batchv1.JobConditionType, reason, message string, seconds int) jobOption {
	return func(j *batchv1.Job) {
		j.Status.Conditions = append(j.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: *ts(seconds),
		})
		if kind == batchv1.JobComplete {
			j.Status.CompletionTime = ts(seconds)
		}
	}
}

func backoffLimit(seconds int) jobOption {
	return verdict(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded, "Job has reached the specified backoff limit", seconds)
}

func suspend(j *batchv1.Job) { j.Spec.Suspend = new(true) }

// toEnd is a Job that was told to end.
func toEnd(j *batchv1.Job) { j.Spec.ActiveDeadlineSeconds = new(int64(0)) }

// managed is a Job that the Job controller of this cluster leaves alone.
func managed(j *batchv1.Job) { j.Spec.ManagedBy = new("kueue.x-k8s.io/multikueue") }

// elastic is the Job of a service, spared one that is not to fail with its pod,
// and satisfied one that wants none.
func elastic(j *batchv1.Job) {
	j.Spec.CompletionMode = new(batchv1.IndexedCompletion)
	j.Spec.Completions, j.Spec.Parallelism, j.Spec.BackoffLimit = new(int32(1)), new(int32(1)), new(int32(0))
}

func spared(j *batchv1.Job) { elastic(j); j.Spec.BackoffLimit = new(int32(6)) }

func satisfied(j *batchv1.Job) {
	spared(j)
	j.Spec.Completions, j.Spec.Parallelism = new(int32(0)), new(int32(0))
}

// refusedBy is a pod that the kubelet of its node would not run.
func refusedBy(reason string) podOption {
	return func(p *corev1.Pod) {
		p.Status = corev1.PodStatus{
			Phase: corev1.PodFailed, Reason: reason, Message: "Pod was rejected: no room",
		}
	}
}

// letGo is a pod that the Job controller holds no more.
func letGo(p *corev1.Pod) { p.Finalizers = nil }

type podOption func(*corev1.Pod)

// withPod adds a pod of the Job, running on a node since second 1, with one
// container `main`.
func withPod(f *plan.Facts, job, name string, opts ...podOption) {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, CreationTimestamp: *ts(1),
			OwnerReferences: []metav1.OwnerReference{{UID: types.UID("job-" + job), Controller: new(true)}},
			Finalizers:      []string{batchv1.JobTrackingFinalizer},
		},
		Spec: corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main"}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, StartTime: ts(1),
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *ts(1)}}}},
		},
	}
	for _, opt := range opts {
		opt(&pod)
	}
	f.Pods[job] = append(f.Pods[job], pod)
}

// exit ends container `main`; the pod's phase follows later.
func exit(code int32, reason string, seconds int) podOption {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, StartedAt: *ts(1), FinishedAt: *ts(seconds)},
		}
	}
}

func podPhase(phase corev1.PodPhase) podOption {
	return func(p *corev1.Pod) { p.Status.Phase = phase }
}

func podReason(reason, message string) podOption {
	return func(p *corev1.Pod) { p.Status.Reason, p.Status.Message = reason, message }
}

func deadline(seconds int64) podOption {
	return func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = &seconds }
}

// deleted marks the pod as deleted at that second, with 30 seconds to end.
func deleted(seconds int) podOption {
	return func(p *corev1.Pod) {
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = ts(seconds+30), ptr.To[int64](30)
	}
}

func disrupted(seconds int) podOption {
	return func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI", LastTransitionTime: *ts(seconds),
		})
	}
}

// unstarted is a pod that no node has taken.
func unstarted(p *corev1.Pod) {
	p.Spec.NodeName = ""
	p.Status = corev1.PodStatus{Phase: corev1.PodPending}
}

func waiting(reason, message string) podOption {
	return func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodPending
		p.Status.ContainerStatuses[0].Image = "registry.example.com/app:1"
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
		}
	}
}

// outcome is a job's status without what a test of its result doesn't ask for.
type outcome struct {
	Phase           v1alpha1.JobPhase
	Reason, Message string
}

func outcomes(d plan.Decision) map[string]outcome {
	found := map[string]outcome{}
	for _, s := range d.Status.Jobs {
		found[s.Name] = outcome{s.Phase, s.Reason, s.Message}
	}
	return found
}

func phases(d plan.Decision) map[string]v1alpha1.JobPhase {
	found := map[string]v1alpha1.JobPhase{}
	for _, s := range d.Status.Jobs {
		found[s.Name] = s.Phase
	}
	return found
}
