package match

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideLabels asks a pull request for one of `labels`.
func decideLabels(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	if len(webhook.Labels) == 0 || !ofPullRequest(e) {
		return Decision{Outcome: Matched}
	}
	for _, label := range e.PullRequest.Labels {
		if slices.Contains(webhook.Labels, label) {
			return yes("label %s", label)
		}
	}
	return no("pull request %d has none of the labels %s", e.PullRequest.Number, list(webhook.Labels))
}
