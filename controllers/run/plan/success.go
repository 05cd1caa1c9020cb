package plan

import (
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// observe returns the status of a job that has a Job.
func (f *Facts) observe(s v1alpha1.JobStatus, job *batchv1.Job, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	s.Job = job.Name
	s.StartTime = new(job.CreationTimestamp)
	if s.Phase == v1alpha1.JobWaiting {
		s = f.explain(s, "", "")
		s.Phase = v1alpha1.JobRunning
	}
	pods := f.pods(job)
	s = f.count(s, job, pods)
	if pod := interrupted(job, pods); pod != nil {
		reason, message := interruption(pod)
		s.CompletionTime = finishedAt(pod)
		return f.lose(s, job, reason, message)
	}
	if pod := passed(job, pods); pod != nil {
		return f.succeed(s, pod, done)
	}
	switch {
	case evidence.Condition(job, batchv1.JobComplete) != nil:
		return f.complete(s, job, pods, d)
	case evidence.Condition(job, batchv1.JobFailed) != nil:
		return f.fail(s, job, pods, d)
	}
	return f.goOn(s, job, pods, d)
}

// goOn returns the status of a job whose Job has no verdict: what it waits for,
// and whether it has for too long.
func (f *Facts) goOn(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	halted := f.haltOf(s.Name) != nil
	if !halted {
		if why := f.overrun(pods, d); why != "" {
			return f.end(s, v1alpha1.JobFailed, v1alpha1.ReasonTimedOut, why)
		}
	}
	s, silent := f.awaitNode(s, job, pods, d)
	if silent {
		return s
	}
	s, disrupted := f.disrupted(s, job, pods)
	switch {
	case disrupted:
		return s
	case halted:
		return f.interrupting(s, job, pods)
	}
	s, since := f.explainWait(s, job, pods, d)
	if since != nil {
		return f.expire(s, *since, d)
	}
	return s
}

// explainWait says what keeps the Job's pod from starting, if anything does, and
// since when that has counted towards the pendingTimeout, nil if it doesn't.
func (f *Facts) explainWait(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, *time.Time) {
	if suspended(job) {
		return f.explain(s, v1alpha1.ReasonSuspended, "its Job is suspended: it waits in a queue, or somebody holds it"), nil
	}
	if awaitsPod(job, pods) {
		return f.awaitPod(s, job, pods, d)
	}
	return f.awaitStart(s, pods, d)
}

// complete records that the Job has completed. Of one pod's work that is a
// success only if the pod, or what is known of it, shows it: the Job counts one
// that was drained and ended with 0, and that pod may be gone, or its news on
// their way.
func (f *Facts) complete(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	verdict := evidence.Condition(job, batchv1.JobComplete)
	if single(job) && f.Now.Sub(verdict.LastTransitionTime.Time) < podNews {
		d.requeue(podNews)
		return s
	}
	s.CompletionTime = job.Status.CompletionTime.DeepCopy()
	switch {
	case f.Undisturbed[s.Name]:
		return f.vouchedFor(s)
	case single(job):
		reason, message := lostSuccess(pods)
		return f.lose(s, job, reason, message)
	}
	return f.end(s, v1alpha1.JobSucceeded, "", "")
}

// passed returns the pod that shows that the Job has succeeded, before the Job
// itself says so: the Job controller gathers its news for a second, and every
// edge of the graph would pay for it. It is certain for a Job of one completion,
// when every container has ended with 0 by itself.
func passed(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	if !single(job) {
		return nil
	}
	for i := range pods {
		if exitedZero(&pods[i]) && !cutShort(&pods[i]) && !overdue(&pods[i]) {
			return &pods[i]
		}
	}
	return nil
}

// overdue reports whether the pod's deadline may be what ended its containers.
// The kubelet's verdict on the pod as a whole says so; until then an exit with 0
// proves nothing.
func overdue(pod *corev1.Pod) bool {
	if evidence.Ended(pod) || pod.Spec.ActiveDeadlineSeconds == nil || pod.Status.StartTime == nil {
		return false
	}
	deadline := pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)
	ended := finishedAt(pod)
	return ended == nil || !ended.Time.Before(deadline)
}

// single reports whether the Job is the work of one pod, of this cluster: Kueue
// sends Jobs to others, where their pods stay.
func single(job *batchv1.Job) bool {
	return controlled(job) &&
		ptr.Deref(job.Spec.Completions, 1) == 1 &&
		ptr.Deref(job.Spec.Parallelism, 1) == 1 &&
		ptr.Deref(job.Spec.CompletionMode, batchv1.NonIndexedCompletion) == batchv1.NonIndexedCompletion &&
		job.Spec.SuccessPolicy == nil
}

// controlled reports whether it is the Job controller of this cluster that is
// to do the Job's work.
func controlled(job *batchv1.Job) bool {
	return ptr.Deref(job.Spec.ManagedBy, batchv1.JobControllerName) == batchv1.JobControllerName
}

// exitedZero reports whether the pod's work is done: each regular container has
// ended with 0. A native sidecar may still be uploading what the next job needs,
// so with one the pod as a whole has to end.
func exitedZero(pod *corev1.Pod) bool {
	switch {
	case pod.Status.Phase == corev1.PodFailed:
		return false
	case pod.Status.Phase == corev1.PodSucceeded:
		return true
	case hasSidecar(pod):
		return false
	}
	ended := 0
	for i := range pod.Status.ContainerStatuses {
		terminated := pod.Status.ContainerStatuses[i].State.Terminated
		if terminated == nil || terminated.ExitCode != 0 {
			return false
		}
		ended++
	}
	return ended > 0 && ended == len(pod.Spec.Containers)
}

func hasSidecar(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return sidecar(&c) })
}

func sidecar(init *corev1.Container) bool {
	return ptr.Deref(init.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways
}

// finishedAt is when the last of the pod's regular containers ended, or nil.
func finishedAt(pod *corev1.Pod) *metav1.Time {
	var last *metav1.Time
	for i := range pod.Status.ContainerStatuses {
		terminated := pod.Status.ContainerStatuses[i].State.Terminated
		if terminated == nil || terminated.FinishedAt.IsZero() {
			continue
		}
		if last == nil || last.Before(&terminated.FinishedAt) {
			last = terminated.FinishedAt.DeepCopy()
		}
	}
	return last
}

func suspended(job *batchv1.Job) bool {
	return ptr.Deref(job.Spec.Suspend, false)
}
