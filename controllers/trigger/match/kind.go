package match

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideKind asks for one of `events`.
func decideKind(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	if e.Kind == event.KindPing {
		return no("ping: address and secret are right, and there is nothing to start")
	}
	if kinds := eventKinds(webhook); !slices.Contains(kinds, e.Kind) {
		return no("the event is %s, not %s", e.Kind, list(kinds))
	}
	return Decision{Outcome: Matched}
}

func eventKinds(webhook *v1alpha1.Webhook) []v1alpha1.EventKind {
	if len(webhook.Events) == 0 {
		return []v1alpha1.EventKind{v1alpha1.EventPush}
	}
	return webhook.Events
}

// decideDeletion keeps out what leaves nothing to run.
func decideDeletion(_ *v1alpha1.Webhook, e *event.Event) Decision {
	if e.Deleted {
		return no("%s was deleted, so there is no commit to run", e.Ref)
	}
	return Decision{Outcome: Matched}
}
