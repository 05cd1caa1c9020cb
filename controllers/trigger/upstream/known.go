// Package upstream starts Runs when those of another Pipeline end. Which of them are
// still to be seen to is decided by pure functions from the Trigger's status, which
// lists those that were; a Run has the name of the one that it follows, so that one
// that is started again after a crash is the same.
package upstream

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// window is how long a Run that was seen to is remembered by its UID. Before that no
// Run may have ended of which the cache still shows nothing: a Run gets its
// completionTime before that is stored.
const window = 10 * time.Minute

// remembered is how many of them are kept in mind, unless Runs that ended before the
// last of those are still to be seen to: then as many as the status has room for.
const remembered = 100

// begin returns what is known of the Runs that have ended: what the status says, if
// that is about the Runs that the Trigger names now. Otherwise Runs count that end
// from now on; for a new Trigger from its creation, which KayCI may see late.
func begin(trigger *v1alpha1.Trigger, looped bool, now time.Time) v1alpha1.RunEndStatus {
	spec, known := trigger.Spec.Run, trigger.Status.Run
	idle := trigger.Spec.Suspend || looped
	begun := v1alpha1.RunEndStatus{Pipeline: spec.Pipeline, Phases: spec.PhasesOrDefault(), Since: stored(now), Suspended: idle}
	switch {
	case known == nil && trigger.Generation <= 1:
		begun.Since = stored(trigger.CreationTimestamp.Time)
	case known == nil || known.Pipeline != spec.Pipeline || !slices.Equal(known.Phases, begun.Phases):
	case known.Suspended && !idle:
	case known.Since != nil:
		begun.Since, begun.Handled = known.Since.DeepCopy(), slices.Clone(known.Handled)
	}
	return begun
}

// pending returns those of the ended Runs that are still to be seen to, the first to
// end first.
func pending(begun *v1alpha1.RunEndStatus, ended []v1alpha1.Run) []*v1alpha1.Run {
	handled := map[types.UID]bool{}
	for _, run := range begun.Handled {
		handled[run.UID] = true
	}
	var left []*v1alpha1.Run
	for i := range ended {
		if run := &ended[i]; !run.Status.CompletionTime.Before(begun.Since) && !handled[run.UID] && run.DeletionTimestamp.IsZero() {
			left = append(left, run)
		}
	}
	slices.SortFunc(left, func(a, b *v1alpha1.Run) int {
		return cmp.Or(a.Status.CompletionTime.Compare(b.Status.CompletionTime.Time), cmp.Compare(a.Status.Number, b.Status.Number), cmp.Compare(a.UID, b.UID))
	})
	return left
}

// settle adds the Runs that were seen to, and forgets those that ended so long ago
// that none is to be found any more that ended before them. What is left to be seen
// to stays within reach.
func settle(begun *v1alpha1.RunEndStatus, done, left []*v1alpha1.Run, now time.Time) {
	if len(done) == 0 {
		return
	}
	for _, run := range done {
		begun.Handled = append(begun.Handled, v1alpha1.HandledRun{UID: run.UID, Ended: *run.Status.CompletionTime})
	}
	slices.SortStableFunc(begun.Handled, func(a, b v1alpha1.HandledRun) int { return a.Ended.Compare(b.Ended.Time) })
	since := now.Add(-window)
	if surplus := len(begun.Handled) - remembered; surplus > 0 {
		since = later(since, begun.Handled[surplus-1].Ended.Add(time.Second))
	}
	if len(left) > 0 && left[0].Status.CompletionTime.Time.Before(since) {
		since = left[0].Status.CompletionTime.Time
	}
	if surplus := len(begun.Handled) - v1alpha1.MaxHandled; surplus > 0 {
		since = later(since, begun.Handled[surplus-1].Ended.Add(time.Second))
	}
	if begun.Since.Time.Before(since) {
		begun.Since = stored(since)
	}
	begun.Handled = slices.DeleteFunc(begun.Handled, func(run v1alpha1.HandledRun) bool { return run.Ended.Before(begun.Since) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stored is a time as the API server keeps it.
func stored(t time.Time) *metav1.Time { return &metav1.Time{Time: t.Truncate(time.Second)} }
