package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Reasons of events. containerFailed is of what keeps a container from being made.
const (
	successfulCreate = "SuccessfulCreate"
	containerFailed  = "Failed"
)

// disturbances are the reasons of a pod's events that tell of something that may
// have ended it. Whatever makes the kubelet stop a container, it says so.
var disturbances = []string{"Killing", "Preempting", "Preempted", "Evicted", "TaintManagerEviction", "NodeNotReady", "NodeShutdown", "ExceededGracePeriod"} //nolint:gochecknoglobals // A constant, which Go has none of.

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

// SaidByEvents reports whether it is the reason of an event of a pod that has
// not come to its first container.
func SaidByEvents(reason string) bool {
	switch reason {
	case "FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "NetworkNotReady":
		return true
	}
	return false
}

// StartFailure returns what the newest event of a pod says that tells why it
// hasn't come to its first container.
func StartFailure(events []corev1.Event) Why {
	last := newest(events, func(e *corev1.Event) bool { return SaidByEvents(e.Reason) })
	if last == nil {
		return Why{}
	}
	return Why{Reason: last.Reason, Message: fmt.Sprintf("pod %s: %s", last.InvolvedObject.Name, last.Message)}
}

// LateFailure returns what the events of a pod say that tells why it has not
// Started: its volumes and network, or else its images and what its containers
// take from Secrets. Of what is said about those, the longest says most.
func LateFailure(events []corev1.Event) Why {
	if why := StartFailure(events); why.Reason != "" {
		return why
	}
	var why Why
	for i := range events {
		if e := &events[i]; e.Reason == containerFailed && len(e.Message) > len(why.Message) {
			why = Why{Reason: e.Reason, Message: e.Message}
		}
	}
	return why
}

// CreateFailure returns why the Job's last attempt to create a pod failed, given
// the Job's events, with a blank reason if they don't say that it did.
func CreateFailure(events []corev1.Event) Why {
	last := newest(events, func(e *corev1.Event) bool {
		return e.Reason == v1alpha1.ReasonFailedCreate || e.Reason == successfulCreate
	})
	if last == nil || last.Reason != v1alpha1.ReasonFailedCreate {
		return Why{}
	}
	return Why{Reason: v1alpha1.ReasonFailedCreate, Message: last.Message}
}

// ClaimFailure returns what the claim's newest event says that tells of a
// failure, given the claim's events, or a blank refusal. Those that say what the
// claim waits for are the scheduler's to explain.
func ClaimFailure(events []corev1.Event) *Why {
	last := newest(events, func(e *corev1.Event) bool { return e.Reason == "ProvisioningFailed" || e.Reason == "FailedBinding" })
	if last == nil {
		return &Why{}
	}
	return &Why{Reason: last.Reason, Message: last.Message}
}

// OnlyPod returns the name of the one pod that a Job has ever made, as its events
// say, or that they say something else.
func OnlyPod(events []corev1.Event) (name string, only bool) {
	for i := range events {
		e := &events[i]
		made, is := strings.CutPrefix(e.Message, "Created pod: ")
		if e.Reason != successfulCreate || !is {
			continue
		}
		if name != "" || e.Count > 1 || (e.Series != nil && e.Series.Count > 1) {
			return "", false
		}
		name = made
	}
	return name, name != ""
}

// EndedByItself reports whether the pod's events show that its containers were
// Started and that nothing told them to end. That they don't say otherwise is not
// enough: events are kept for an hour.
func EndedByItself(pod string, events []corev1.Event) bool {
	started := false
	for i := range events {
		e := &events[i]
		if e.InvolvedObject.Kind != "Pod" || e.InvolvedObject.Name != pod {
			continue
		}
		regular := !strings.HasPrefix(e.InvolvedObject.FieldPath, "spec.initContainers{")
		// Sidecars are stopped when the others have ended.
		if regular && slices.Contains(disturbances, e.Reason) {
			return false
		}
		started = started || (regular && e.Reason == "Started")
	}
	return started
}
