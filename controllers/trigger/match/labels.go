package match

import (
	"slices"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideLabels asks a pull request for one of `labels`. Where a label was given or
// taken it is that label that counts: another one is no news to who waits for these,
// and a git host sends an event for each.
func decideLabels(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	if len(webhook.Labels) == 0 || !ofPullRequest(e) {
		return Decision{Outcome: Matched}
	}
	if e.Label != "" && !slices.Contains(webhook.Labels, e.Label) {
		return no("label %s is none of %s", printable.Cut(e.Label, maxItem), list(webhook.Labels))
	}
	if e.Label != "" {
		return yes("label %s", e.Label)
	}
	for _, label := range e.PullRequest.Labels {
		if slices.Contains(webhook.Labels, label) {
			return yes("label %s", label)
		}
	}
	return no("pull request %d has none of the labels %s", e.PullRequest.Number, list(webhook.Labels))
}
