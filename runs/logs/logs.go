// Package logs reads what the containers of Runs print: where it is, line by line, while
// it is printed and afterwards, and what of it is missing. It reads by the client of
// whoever looks, who needs the right to get pods/log.
//
// Memory is bounded whatever is printed: a line is passed on as soon as it is read, and
// a reader that is slow makes the reading slow.
package logs

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// MaxLine is how many bytes of a line are passed on, but for those who ask for all.
const MaxLine = 16 << 10

// Source is where logs are read from: a cluster's nodes.
type Source interface {
	// Read passes on the lines of one container's log, in their order, until the log
	// ends, or a function fails, whose error it returns. A context that is done is an
	// error, too.
	Read(ctx context.Context, c *Container, o Options, each func(*Line) error) (End, error)
}

// Container is where a log is from.
type Container struct {
	// Job or Service of the Run: one of them is set.
	Job, Service string
	// Attempt counts the pods of the job from 1.
	Attempt int
	// Index of the pod, of an Indexed Job; blank for others.
	Index string
	// Namespace, Pod and UID of the pod, and the Run whose it is: another one than is read,
	// if that has taken a job of it.
	Namespace, Pod, Run string
	UID                 types.UID
	// Name of the container, and how many the pod has.
	Name string
	Of   int
	// Init says that it runs before the others or, as a sidecar, beside them.
	Init, Sidecar bool
	// State that it is in.
	State State
	// Kept says that its log is kept beyond its pod.
	Kept bool
}

// Part is the job or service.
func (c *Container) Part() string { return c.Job + c.Service }

// State is what is known of a container.
type State struct {
	// Started is when it did, the last time if it did more than once; zero if it hasn't.
	Started time.Time
	// Ended is when it did; zero while it runs.
	Ended time.Time
	// ExitCode of one that has ended.
	ExitCode int32
	// Restarts within its pod. Only the last one's log is kept.
	Restarts int32
	// Reason, in a word, for what it waits for or how it has ended.
	Reason string
	// Never says that its pod has ended or is gone, and it will not start.
	Never bool
}

// Options says what of a log is wanted.
type Options struct {
	// Follow waits for the container to start and for what it prints until it has ended.
	Follow bool
	// Tail is how many of the last lines are wanted; all if it is nil.
	Tail *int64
	// Since is when the first line was printed that is wanted.
	Since time.Time
	// From and To are the numbers of the first and the last line that are wanted. Zero
	// is no bound. With Tail or Since, lines are counted from the first of those.
	From, To int64
	// Whole passes on long lines to their end, in pieces.
	Whole bool
}

// Line is one of a log. What it holds is valid until the function returns that it was
// passed to.
type Line struct {
	// Number of the line within what the node has, from 1.
	Number int64
	// Time when it was printed, and the same as text, as the node writes it. A line that
	// is no line of the container has none.
	Time  time.Time
	Stamp []byte
	// Text without the line's end, as it was printed.
	Text []byte
	// Cut is how many bytes of the line are left out behind Text.
	Cut int64
	// More says that the line goes on in the next one, and Rest that this is such a one,
	// without a Time.
	More, Rest bool
	// Idle says that nothing more has arrived yet: who collects lines may pass them on.
	Idle bool
}

// End is how the reading of a log has ended.
type End struct {
	// Lines and Bytes of what was read, without what was passed over twice.
	Lines, Bytes int64
	// First and Last are the times of those lines.
	First, Last time.Time
	// Complete says that the container has ended, and that the last line was read.
	Complete bool
	// Missing says what is missing, a sentence each.
	Missing []string
	// State of the container at the end.
	State State
}

// stateOf a container of the pod.
func stateOf(pod *corev1.Pod, name string) State {
	over := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			if list[i].Name == name {
				return containerState(&list[i], over)
			}
		}
	}
	return State{Never: over, Reason: pod.Status.Reason}
}

func containerState(status *corev1.ContainerStatus, over bool) State {
	state := State{Restarts: status.RestartCount}
	switch {
	case status.State.Terminated != nil:
		ended := status.State.Terminated
		state.Started, state.Ended = ended.StartedAt.Time, ended.FinishedAt.Time
		state.ExitCode, state.Reason = ended.ExitCode, ended.Reason
		// A container that couldn't be started has ended, too, in year 1.
		if state.Started.IsZero() || state.Started.Unix() <= 0 {
			state.Started, state.Never = time.Time{}, true
		}
		if state.Ended.IsZero() {
			state.Ended = state.Started
		}
	case status.State.Running != nil:
		state.Started = status.State.Running.StartedAt.Time
		state.Never = false
	case status.State.Waiting != nil:
		state.Reason, state.Never = status.State.Waiting.Reason, over
		// Between two starts the log of the first is there.
		if last := status.LastTerminationState.Terminated; last != nil {
			state.Started, state.Never = last.StartedAt.Time, false
		}
	default:
		state.Never = over
	}
	return state
}
