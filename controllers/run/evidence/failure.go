package evidence

import (
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

const deadlineExceeded = "DeadlineExceeded"

// statusUnknown is the reason of a container that isn't there any more, or never
// was.
const statusUnknown = "ContainerStatusUnknown"

// Failure says why the Job has failed: what its last failed pod says, or, with no
// such pod left, what the Job says. Said is what the events of a pod say that has
// failed without having begun.
func Failure(job *batchv1.Job, pods []corev1.Pod, said Why) (reason, message string) {
	if pod := LatePod(job, pods); pod != nil {
		return notBegun(pod, said)
	}
	if pod := lastFailed(pods); pod != nil {
		reason, message = podFailure(pod)
		if why, byItself := Unkept(pod); byItself {
			message = Shorten(message + "; " + why)
		}
		return reason, message
	}
	return jobFailure(job, Condition(job, batchv1.JobFailed))
}

// Stopped reports whether the last failed pod is one that was stopped for the
// Run's sake, rather than at the end of its own timeout.
func Stopped(pods []corev1.Pod) bool {
	pod := lastFailed(pods)
	return pod != nil && pod.Status.Reason == deadlineExceeded &&
		ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) == StoppedDeadline
}

// Condemned reports whether the Job has failed because it was to end for the Run's
// sake.
func Condemned(job *batchv1.Job, verdict *batchv1.JobCondition) bool {
	return Ending(job) && verdict.Reason == batchv1.JobReasonDeadlineExceeded
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

// Culprit returns the pod whose log says most about why a Job has failed, and which of
// its containers: the one that failed first. It is nil where no pod is left.
func Culprit(pods []corev1.Pod) (pod *corev1.Pod, container string) {
	pod = lastFailed(pods)
	for i := range pods {
		// One that did what it should may have left what nobody could read.
		if pods[i].Status.Phase != corev1.PodFailed && (pod == nil || pod.Status.Phase != corev1.PodFailed && pod.CreationTimestamp.Before(&pods[i].CreationTimestamp)) {
			pod = &pods[i]
		}
	}
	if pod == nil {
		return nil, ""
	}
	if failed := firstFailed(pod); failed != nil {
		return pod, failed.Name
	}
	if why, _ := Unkept(pod); why != "" {
		return pod, v1alpha1.KeepContainer
	}
	if len(pod.Spec.Containers) > 0 {
		container = pod.Spec.Containers[0].Name
	}
	return pod, container
}

func failedAfter(pod, other *corev1.Pod) bool {
	free := func(pod *corev1.Pod) bool { return disruptionTarget(pod) != nil || TurnedAway(pod) }
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
	if pod.DeletionTimestamp != nil && CutShort(pod) && disruptionTarget(pod) == nil {
		return v1alpha1.ReasonPodDeleted, "the pod was deleted before it had ended"
	}
	// The kubelet's own reasons: Evicted, Preempting, NodeAffinity and so on.
	if pod.Status.Reason != "" {
		return pod.Status.Reason, Shorten(pod.Status.Message)
	}
	if WasDisrupted(pod) {
		return v1alpha1.ReasonDisrupted, Shorten("the pod was told to end (" + WhyDisrupted(pod) + "), which a rule of the template's podFailurePolicy takes for a failure")
	}
	if status := firstFailed(pod); status != nil {
		return ContainerFailure(status)
	}
	return v1alpha1.ReasonError, Shorten("the pod failed: " + pod.Status.Message)
}

func deadline(pod *corev1.Pod) string {
	if pod.Spec.ActiveDeadlineSeconds == nil {
		return ""
	}
	return " of " + printable.Duration(time.Duration(*pod.Spec.ActiveDeadlineSeconds)*time.Second)
}

// failedBefore names a container that had failed by itself when the pod's
// deadline ended the others.
func failedBefore(pod *corev1.Pod) string {
	c, stopped := firstFailed(pod), DeadlineOf(pod)
	if c == nil || c.State.Terminated.Reason == statusUnknown || stopped.IsZero() {
		return ""
	}
	ended, last := c.State.Terminated.FinishedAt, FinishedAt(pod)
	if ended.IsZero() || !ended.Time.Before(stopped) || last.Time.Before(stopped) {
		return ""
	}
	_, message := ContainerFailure(c)
	return "; before that, " + message
}

// firstFailed returns the container that failed first: others may have failed
// because of it. The container that keeps things ends after the program, and may fail
// within the same second.
func firstFailed(pod *corev1.Pod) *corev1.ContainerStatus {
	var first *corev1.ContainerStatus
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			t := statuses[i].State.Terminated
			if t == nil || t.ExitCode == 0 || keeps(pod, &statuses[i]) {
				continue
			}
			if first == nil || t.FinishedAt.Before(&first.State.Terminated.FinishedAt) {
				first = &statuses[i]
			}
		}
	}
	return first
}

// ContainerFailure says why a container has failed.
func ContainerFailure(status *corev1.ContainerStatus) (reason, message string) {
	t := status.State.Terminated
	switch t.Reason {
	case v1alpha1.ReasonOOMKilled:
		return v1alpha1.ReasonOOMKilled, fmt.Sprintf("container %s ran out of memory and was killed; raise its memory limit", status.Name)
	case "", v1alpha1.ReasonError:
		message = fmt.Sprintf("container %s exited with code %d", status.Name, t.ExitCode)
		if why, is := strings.CutPrefix(t.Message, v1alpha1.CheckoutFailed); is {
			message = Shorten(message + ": " + printable.Text(strings.TrimSpace(why)))
		}
		return v1alpha1.ReasonError, message
	default:
		// The container could not be started: ContainerCannotRun, StartError.
		return t.Reason, Shorten(fmt.Sprintf("container %s: %s", status.Name, t.Message))
	}
}

// FailedBeside returns a container that has failed by itself while others of the
// pod run on, or nil. In a pod that was told to stop, that may be why.
func FailedBeside(pods []corev1.Pod) *corev1.ContainerStatus {
	for i := range pods {
		if pod := &pods[i]; Started(pod) && !ToldToStop(pod) {
			if c := firstFailed(pod); c != nil {
				return c
			}
		}
	}
	return nil
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
		return verdict.Reason, Shorten(verdict.Message)
	}
}

// LatePod returns the pod that a Job has failed with if the pod's own timeout
// ended it before any container had started, or nil: that it took too long is
// then the smaller half of the truth.
func LatePod(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	pod := lastFailed(pods)
	if pod == nil || Condition(job, batchv1.JobFailed) == nil || pod.Status.Reason != deadlineExceeded || Stopped(pods) || Begun(pod) {
		return nil
	}
	return pod
}

// notBegun says of a late pod what kept it from starting, if its events do, or
// its containers still.
func notBegun(pod *corev1.Pod, why Why) (reason, message string) {
	reason, message = podFailure(pod)
	message += " before it started"
	if why.Reason == "" {
		why.Reason, why.Message = podProblem(pod)
	}
	if why.Reason != "" {
		message += ": " + why.Message
	}
	return reason, Shorten(message)
}
