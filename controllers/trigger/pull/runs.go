package pull

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Ends reports whether the event ends Runs of its pull request that are under way: all
// of them when it is closed, and those of other heads when it has a new one and the
// Pipeline says that newer Runs replace older ones.
func Ends(webhook *v1alpha1.Webhook, policy v1alpha1.ConcurrencyPolicy, e *event.Event) bool {
	return Closes(webhook, e) || about(webhook, e) && e.Action == v1alpha1.ActionUpdated && policy == v1alpha1.ConcurrencyReplace
}

// Closes reports whether the event is a pull request's end.
func Closes(webhook *v1alpha1.Webhook, e *event.Event) bool {
	return about(webhook, e) && closed(e)
}

func closed(e *event.Event) bool {
	return e.Action == v1alpha1.ActionClosed || e.Action == v1alpha1.ActionMerged
}

func about(webhook *v1alpha1.Webhook, e *event.Event) bool {
	return e.Kind == v1alpha1.EventPullRequest && slices.Contains(webhook.Events, e.Kind)
}

// Of reports whether the Run is of the event's pull request.
func Of(run *v1alpha1.Run, e *event.Event) bool {
	origin := run.Spec.Origin
	return origin != nil && origin.PullRequest == e.PullRequest.Number && origin.Repository == printable.Text(e.Repository)
}

// Ended are those of the pull request's Runs that the event ends. The delivery's own
// Run is none of them: a delivery that is sent again must not end it.
func Ended(webhook *v1alpha1.Webhook, runs []v1alpha1.Run, e *event.Event, delivery string) []v1alpha1.Run {
	var ended []v1alpha1.Run
	for _, run := range Active(runs) {
		if run.Spec.Origin.Delivery != delivery && (Closes(webhook, e) || outdated(run.Spec.Origin.SHA, e)) {
			ended = append(ended, run)
		}
	}
	return ended
}

// outdated reports whether a Run's commit is what the event's head has replaced. Where
// the event says what it was, a late delivery ends nothing that is newer than it.
func outdated(sha string, e *event.Event) bool {
	if e.Before != "" {
		return sameCommit(sha, e.Before)
	}
	return !sameCommit(sha, e.SHA)
}

// sameCommit compares names of which a host may have shortened one.
func sameCommit(a, b string) bool {
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// Active are the Runs that have not ended and are not about to.
func Active(runs []v1alpha1.Run) []v1alpha1.Run {
	var active []v1alpha1.Run
	for i := range runs {
		if !runs[i].Status.Phase.Finished() && !runs[i].Spec.Cancelled {
			active = append(active, runs[i])
		}
	}
	return active
}

// Retried is the Run that a retest of the head retries: its last, if that has failed or
// was cancelled. Nil: none, and the reason says why.
func Retried(runs []v1alpha1.Run, head *event.Event) (*v1alpha1.Run, string) {
	last := Last(slices.DeleteFunc(slices.Clone(runs), func(run v1alpha1.Run) bool { return !sameCommit(run.Spec.Origin.SHA, head.SHA) }))
	switch {
	case last == nil:
		return nil, fmt.Sprintf("there is no Run of commit %s, the head of pull request %d: /test starts one", short(head.SHA), head.PullRequest.Number)
	case !last.Status.Phase.Finished():
		return nil, fmt.Sprintf("Run %s of commit %s has not ended", last.Name, short(head.SHA))
	case last.Status.Phase == v1alpha1.RunSucceeded:
		return nil, fmt.Sprintf("Run %s of commit %s has succeeded: /test starts another", last.Name, short(head.SHA))
	}
	return last, ""
}

func newer(a, b *v1alpha1.Run) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name > b.Name
	}
	return b.CreationTimestamp.Before(&a.CreationTimestamp)
}
