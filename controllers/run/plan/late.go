package plan

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// statusUnknown is the reason of a container that isn't there any more, or never
// was. containerFailed is that of events about what keeps a container from being
// made.
const (
	statusUnknown   = "ContainerStatusUnknown"
	containerFailed = "Failed"
)

// latePod returns the pod that a Job has failed with if the pod's own timeout
// ended it before any container had started, or nil: that it took too long is
// then the smaller half of the truth.
func latePod(job *batchv1.Job, pods []corev1.Pod) *corev1.Pod {
	pod := lastFailed(pods)
	if pod == nil || evidence.Condition(job, batchv1.JobFailed) == nil || pod.Status.Reason != deadlineExceeded || stopped(pods) || begun(pod) {
		return nil
	}
	return pod
}

// begun reports whether a container of the pod may have run. The kubelet gives
// one that it has never made an exit code, too, when it ends the pod.
func begun(pod *corev1.Pod) bool {
	return slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), func(s corev1.ContainerStatus) bool {
		ended := s.State.Terminated
		return s.State.Running != nil || s.LastTerminationState.Terminated != nil ||
			ended != nil && (ended.Reason != statusUnknown || s.ContainerID != "")
	})
}

// notBegun says of a late pod what kept it from starting, if its events do, or
// its containers still.
func notBegun(pod *corev1.Pod, why Refusal) (reason, message string) {
	reason, message = podFailure(pod)
	message += " before it started"
	if why.Reason == "" {
		why.Reason, why.Message = podProblem(pod)
	}
	if why.Reason != "" {
		message += ": " + why.Message
	}
	return reason, shorten(message)
}

// LateFailure returns what the events of a pod say that tells why it has not
// started: its volumes and network, or else its images and what its containers
// take from Secrets. Of what is said about those, the longest says most.
func LateFailure(events []corev1.Event) Refusal {
	if why := StartFailure(events); why.Reason != "" {
		return why
	}
	var why Refusal
	for i := range events {
		if e := &events[i]; e.Reason == containerFailed && len(e.Message) > len(why.Message) {
			why = Refusal{Reason: e.Reason, Message: e.Message}
		}
	}
	return why
}

// lateNotices adds the pods of notifiers that have failed without having begun.
func (f *Facts) lateNotices(found []Unexplained) []Unexplained {
	for i := range f.Run.Status.Notifiers {
		s := &f.Run.Status.Notifiers[i]
		job := f.Notices[Notice{Notifier: s.Name, Phase: s.Phase}].Job
		if job == nil || s.Reason != "" {
			continue
		}
		if pod := latePod(job, f.pods(job)); pod != nil {
			found = append(found, Unexplained{noticeKey(s), pod.UID, LateFailure})
		}
	}
	return found
}

// noticeKey is no name of a job.
func noticeKey(s *v1alpha1.NotifierStatus) string {
	return s.Name + "/" + string(s.Phase)
}
