package evidence

import (
	"cmp"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Times are when a pod of a Job was made, got a node, and when its first container
// started; nil for what has not been seen.
type Times struct{ Made, Scheduled, Started *metav1.Time }

// NewestTimes returns the times of the newest of a job's pods.
func NewestTimes(pods []corev1.Pod) Times {
	if len(pods) == 0 {
		return Times{}
	}
	newest := slices.MaxFunc(pods, compareAge)
	return timesOf(&newest)
}

// Over returns the times of a pod over those that were recorded before, which are of a
// later pod if that is gone.
func (t Times) Over(recorded Times) Times {
	switch got := cmp.Or(t.Scheduled, t.Made); {
	case got == nil, got.Before(recorded.Scheduled):
		return recorded
	case got.Equal(recorded.Scheduled) && recorded.Started != nil:
		// A container that was restarted tells its last starts alone.
		return recorded
	default:
		return t
	}
}

// TimesOf returns the times of the Job's newest pod of those that were made until the job
// had ended, which may be nil. Of a Job of several pods they are the first times of any.
func TimesOf(job *batchv1.Job, pods []corev1.Pod, ended *metav1.Time) Times {
	made := slices.DeleteFunc(slices.Clone(pods), func(pod corev1.Pod) bool { return ended != nil && ended.Before(&pod.CreationTimestamp) })
	if Single(job) {
		return NewestTimes(made)
	}
	var all Times
	for i := range made {
		times := timesOf(&made[i])
		all = Times{Made: earlier(all.Made, times.Made), Scheduled: earlier(all.Scheduled, times.Scheduled), Started: earlier(all.Started, times.Started)}
	}
	return all
}

// compareAge puts the newer pod last; of two of one second, the one that has not ended.
func compareAge(a, b corev1.Pod) int {
	rank := func(pod *corev1.Pod) int {
		if Ended(pod) {
			return 0
		}
		return 1
	}
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.Name, b.Name))
}

func timesOf(pod *corev1.Pod) Times {
	times := Times{Made: pod.CreationTimestamp.DeepCopy(), Scheduled: scheduledAt(pod)}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		for _, state := range []corev1.ContainerState{s.State, s.LastTerminationState} {
			if state.Running != nil {
				times.Started = earlier(times.Started, &state.Running.StartedAt)
			}
			if state.Terminated != nil {
				times.Started = earlier(times.Started, &state.Terminated.StartedAt)
			}
		}
	}
	return times
}

// scheduledAt is when the pod got its node. Of one that no scheduler has bound, when
// its kubelet saw it.
func scheduledAt(pod *corev1.Pod) *metav1.Time {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled {
			if c.Status != corev1.ConditionTrue {
				return nil
			}
			if !c.LastTransitionTime.IsZero() {
				return c.LastTransitionTime.DeepCopy()
			}
		}
	}
	return pod.Status.StartTime.DeepCopy()
}

// earlier of two times, either of which may be none. A container that was never made has
// a zero time.
func earlier(a, b *metav1.Time) *metav1.Time {
	switch {
	case b.IsZero():
		return a
	case a == nil || b.Before(a):
		return b.DeepCopy()
	default:
		return a
	}
}
