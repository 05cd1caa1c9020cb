package plan

import (
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

const deadlineExceeded = "DeadlineExceeded"

// podNews bounds the wait for the pod's own news after its Job has ended. They
// come by another watch, normally within milliseconds.
const podNews = 10 * time.Second

// maxMessage bounds a job's message, maxSummary what a Run's message repeats of
// it: that one stands in a table.
const (
	maxMessage = 512
	maxSummary = 160
)

// fail records why the Job failed: what its last failed pod says, or, with no
// such pod left, what the Job says.
func (f *Facts) fail(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	verdict := evidence.Condition(job, batchv1.JobFailed)
	if running(pods) && f.Now.Sub(verdict.LastTransitionTime.Time) < podNews {
		d.requeue(podNews)
		return s
	}
	s.CompletionTime = verdict.LastTransitionTime.DeepCopy()
	reason, message := jobFailure(job, verdict)
	if pod := lastFailed(pods); pod != nil {
		reason, message = podFailure(pod)
	}
	if pod := latePod(job, pods); pod != nil {
		reason, message = notBegun(pod, f.Explained[s.Name])
	}
	if h := f.haltOf(s.Name); h != nil && (stopped(pods) || condemned(job, verdict)) {
		return h.endJob(f, s)
	}
	return f.lose(s, job, reason, message)
}

// stopped reports whether the last failed pod is one that was stopped for the
// Run's sake, rather than at the end of its own timeout.
func stopped(pods []corev1.Pod) bool {
	pod := lastFailed(pods)
	return pod != nil && pod.Status.Reason == deadlineExceeded &&
		ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) == stoppedDeadline
}

// condemned reports whether the Job has failed because it was to end for the Run's
// sake.
func condemned(job *batchv1.Job, verdict *batchv1.JobCondition) bool {
	return ending(job) && verdict.Reason == batchv1.JobReasonDeadlineExceeded
}

func running(pods []corev1.Pod) bool {
	for i := range pods {
		if !evidence.Ended(&pods[i]) {
			return true
		}
	}
	return false
}

// lastFailed returns the pod that failed last. One that was disrupted is rarely
// why a Job has failed: it is free.
func lastFailed(pods []corev1.Pod) *corev1.Pod {
	var last *corev1.Pod
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase == corev1.PodFailed && (last == nil || failedAfter(pod, last)) {
			last = pod
		}
	}
	return last
}

func failedAfter(pod, other *corev1.Pod) bool {
	free := func(pod *corev1.Pod) bool { return disruptionTarget(pod) != nil || turnedAway(pod) }
	if free(pod) != free(other) {
		return free(other)
	}
	return other.CreationTimestamp.Before(&pod.CreationTimestamp)
}

// podFailure says why a pod failed.
func podFailure(pod *corev1.Pod) (reason, message string) {
	if pod.Status.Reason == deadlineExceeded {
		return v1alpha1.ReasonTimedOut, "stopped after its timeout" + deadline(pod) + failedBefore(pod)
	}
	if pod.DeletionTimestamp != nil && cutShort(pod) && disruptionTarget(pod) == nil {
		return v1alpha1.ReasonPodDeleted, "the pod was deleted before it had ended"
	}
	// The kubelet's own reasons: Evicted, Preempting, NodeAffinity and so on.
	if pod.Status.Reason != "" {
		return pod.Status.Reason, shorten(pod.Status.Message)
	}
	if wasDisrupted(pod) {
		return v1alpha1.ReasonDisrupted, shorten("the pod was told to end (" + whyDisrupted(pod) + "), which a rule of the template's podFailurePolicy takes for a failure")
	}
	if status := firstFailed(pod); status != nil {
		return containerFailure(status)
	}
	return v1alpha1.ReasonError, shorten("the pod failed: " + pod.Status.Message)
}

func deadline(pod *corev1.Pod) string {
	if pod.Spec.ActiveDeadlineSeconds == nil {
		return ""
	}
	return " of " + brief(time.Duration(*pod.Spec.ActiveDeadlineSeconds)*time.Second)
}

// failedBefore names a container that had failed by itself when the pod's
// deadline ended the others.
func failedBefore(pod *corev1.Pod) string {
	c := firstFailed(pod)
	if c == nil || c.State.Terminated.Reason == statusUnknown || pod.Status.StartTime == nil || pod.Spec.ActiveDeadlineSeconds == nil {
		return ""
	}
	stopped := pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)
	ended, last := c.State.Terminated.FinishedAt, finishedAt(pod)
	if ended.IsZero() || !ended.Time.Before(stopped) || last.Time.Before(stopped) {
		return ""
	}
	_, message := containerFailure(c)
	return "; before that, " + message
}

// firstFailed returns the container that failed first: others may have failed
// because of it.
func firstFailed(pod *corev1.Pod) *corev1.ContainerStatus {
	var first *corev1.ContainerStatus
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			t := statuses[i].State.Terminated
			if t == nil || t.ExitCode == 0 {
				continue
			}
			if first == nil || t.FinishedAt.Before(&first.State.Terminated.FinishedAt) {
				first = &statuses[i]
			}
		}
	}
	return first
}

func containerFailure(status *corev1.ContainerStatus) (reason, message string) {
	t := status.State.Terminated
	switch t.Reason {
	case v1alpha1.ReasonOOMKilled:
		return v1alpha1.ReasonOOMKilled, fmt.Sprintf("container %s ran out of memory and was killed; raise its memory limit", status.Name)
	case "", v1alpha1.ReasonError:
		return v1alpha1.ReasonError, fmt.Sprintf("container %s exited with code %d", status.Name, t.ExitCode)
	default:
		// The container could not be started: ContainerCannotRun, StartError.
		return t.Reason, shorten(fmt.Sprintf("container %s: %s", status.Name, t.Message))
	}
}

// finalRule reports whether a Job has failed by a rule that KayCI has added: the
// last two.
func finalRule(job *batchv1.Job, verdict *batchv1.JobCondition) bool {
	if verdict.Reason != batchv1.JobReasonPodFailurePolicy || job.Spec.PodFailurePolicy == nil {
		return false
	}
	rules := len(job.Spec.PodFailurePolicy.Rules)
	return strings.HasSuffix(verdict.Message, fmt.Sprintf("at index %d", rules-1)) || strings.HasSuffix(verdict.Message, fmt.Sprintf("at index %d", rules-2))
}

// jobFailure says why a Job failed that has no failed pod left.
func jobFailure(job *batchv1.Job, verdict *batchv1.JobCondition) (reason, message string) {
	switch {
	case verdict.Reason == batchv1.JobReasonBackoffLimitExceeded, finalRule(job, verdict):
		return v1alpha1.ReasonPodDeleted, "the pod was deleted before it had ended"
	case verdict.Reason == batchv1.JobReasonDeadlineExceeded:
		return v1alpha1.ReasonTimedOut, "the Job was active for longer than its template's activeDeadlineSeconds; its pods and logs are gone"
	default:
		return verdict.Reason, shorten(verdict.Message)
	}
}

// shorten bounds a text that comes from elsewhere.
func shorten(text string) string {
	return cut(text, maxMessage)
}

func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// gist is what a Run's message repeats of another: beginning and end, because
// the cause of an error comes last.
func gist(message string) string {
	runes := []rune(message)
	if len(runes) <= maxSummary {
		return message
	}
	return string(runes[:maxSummary/2]) + "…" + string(runes[len(runes)-(maxSummary-maxSummary/2-1):])
}
