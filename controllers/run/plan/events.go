package plan

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// explainAfter is how long a Job that runs may be without a pod, or its pod on a
// node without a container, before events are asked for the reason. It is also
// how often they are asked again.
const explainAfter = 30 * time.Second

// Unexplained is an object that keeps a job from starting, and doesn't show why:
// its events may.
type Unexplained struct {
	// Job is the name of the job or service in the Pipeline, or stands for what a
	// notifier tells.
	Job string
	// UID of its Job or pod.
	UID types.UID
	// Explain returns what the events of the object say, with a blank reason if
	// nothing.
	Explain func([]corev1.Event) Refusal
}

// Unexplained returns what to ask events for. Nobody is told of events, which
// are too many to watch, so they are asked for late, and not again while the job
// shows what they said.
func (f *Facts) Unexplained() []Unexplained {
	var found []Unexplained
	for i := range f.Spec.Jobs {
		found = f.unexplained(f.recorded(f.Spec.Jobs[i].Name), found)
	}
	for i := range f.Spec.Services {
		found = f.unexplained(asJob(f.recordedService(f.Spec.Services[i].Name)), found)
	}
	return f.lateNotices(found)
}

func (f *Facts) unexplained(s v1alpha1.JobStatus, found []Unexplained) []Unexplained {
	job := f.Jobs[s.Name]
	if job == nil || s.Phase.Finished() || suspended(job) {
		return found
	}
	pods := f.pods(job)
	if late := latePod(job, pods); late != nil {
		return append(found, Unexplained{s.Name, late.UID, LateFailure})
	}
	if evidence.Finished(job) {
		return found
	}
	switch stalled := stalledPod(pods); {
	case awaitsPod(job, pods):
		if s.Reason != v1alpha1.ReasonFailedCreate && job.Status.StartTime != nil && job.Status.Active == 0 && f.patience(s, job, pods) <= 0 {
			return append(found, Unexplained{s.Name, job.UID, CreateFailure})
		}
	case stalled != nil && !saidByEvents(s.Reason) && f.stalledFor(stalled) >= f.explainAfter():
		return append(found, Unexplained{s.Name, stalled.UID, StartFailure})
	}
	return found
}

// stalledPod returns a pod that a node has taken and that has not come to its
// first container: a volume, or the network, isn't there. Pulling images comes
// after that, and may take its time.
func stalledPod(pods []corev1.Pod) *corev1.Pod {
	for i := range pods {
		pod := &pods[i]
		if pod.Status.Phase != corev1.PodPending || pod.DeletionTimestamp != nil || pod.Status.StartTime == nil {
			continue
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReadyToStartContainers && c.Status == corev1.ConditionFalse {
				return pod
			}
		}
	}
	return nil
}

// explainAfter is sooner where the pendingTimeout would else end a job before
// anybody has asked.
func (f *Facts) explainAfter() time.Duration {
	return min(explainAfter, f.pendingTimeout()/2)
}

func (f *Facts) stalledFor(pod *corev1.Pod) time.Duration {
	return f.Now.Sub(pod.Status.StartTime.Time)
}

// stalling says what keeps a pod from its first container, which is known from
// events.
func (f *Facts) stalling(s v1alpha1.JobStatus, pods []corev1.Pod, d *Decision) (reason, message string) {
	pod := stalledPod(pods)
	if pod == nil {
		return "", ""
	}
	if why := f.Explained[s.Name]; why.Reason != "" {
		return why.Reason, shorten(why.Message)
	}
	if saidByEvents(s.Reason) {
		return s.Reason, s.Message
	}
	if wait := f.explainAfter() - f.stalledFor(pod); wait > 0 {
		d.requeue(wait)
	} else {
		d.requeue(explainAfter)
	}
	return "", ""
}

// saidByEvents reports whether it is the reason of an event of a pod that has
// not come to its first container.
func saidByEvents(reason string) bool {
	switch reason {
	case "FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "NetworkNotReady":
		return true
	}
	return false
}

// StartFailure returns what the newest event of a pod says that tells why it
// hasn't come to its first container.
func StartFailure(events []corev1.Event) Refusal {
	last := newest(events, func(e *corev1.Event) bool { return saidByEvents(e.Reason) })
	if last == nil {
		return Refusal{}
	}
	return Refusal{Reason: last.Reason, Message: fmt.Sprintf("pod %s: %s", last.InvolvedObject.Name, last.Message)}
}

// newest returns the event that was seen last of those that fit, or nil.
func newest(events []corev1.Event, fits func(*corev1.Event) bool) *corev1.Event {
	var last *corev1.Event
	for i := range events {
		if event := &events[i]; fits(event) && (last == nil || seen(last).Before(seen(event))) {
			last = event
		}
	}
	return last
}

// seen is when the event was last seen to happen. Which field says so depends on
// how it was recorded.
func seen(event *corev1.Event) time.Time {
	latest := event.CreationTimestamp.Time
	if event.Series != nil && event.Series.LastObservedTime.After(latest) {
		latest = event.Series.LastObservedTime.Time
	}
	for _, at := range []time.Time{event.LastTimestamp.Time, event.EventTime.Time} {
		if at.After(latest) {
			latest = at
		}
	}
	return latest
}
