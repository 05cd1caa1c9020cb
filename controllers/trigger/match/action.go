package match

import (
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideAction asks for one of `actions`, or of the kind's default ones. A push has
// none, and is not asked.
func decideAction(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	if e.Kind == v1alpha1.EventPush {
		return Decision{Outcome: Matched}
	}
	wanted := webhook.Actions
	if len(wanted) == 0 {
		wanted = e.Kind.DefaultActions()
	}
	if !slices.Contains(wanted, e.Action) {
		return no("the action of %s is %s, not %s", subject(e), e.Action, list(wanted))
	}
	return yes("%s (%s)", subject(e), e.Action)
}

// subject is what an event with an action is about.
func subject(e *event.Event) string {
	switch e.Kind {
	case v1alpha1.EventPullRequest:
		return fmt.Sprintf("pull request %d", e.PullRequest.Number)
	case v1alpha1.EventComment:
		return fmt.Sprintf("the comment on pull request %d", e.PullRequest.Number)
	default:
		return fmt.Sprintf("the %s of %s", e.Kind, e.Release.Tag)
	}
}

// ofPullRequest reports whether the event is about a pull request.
func ofPullRequest(e *event.Event) bool {
	return e.Kind == v1alpha1.EventPullRequest || e.Kind == v1alpha1.EventComment
}
