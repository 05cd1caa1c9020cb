package match

import (
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// decideDraft keeps drafts out where `drafts` is Ignore.
func decideDraft(webhook *v1alpha1.Webhook, e *event.Event) Decision {
	if webhook.Drafts == v1alpha1.DraftsIgnore && ofPullRequest(e) && e.PullRequest.Draft {
		return no("pull request %d is a draft, and drafts is %s", e.PullRequest.Number, webhook.Drafts)
	}
	return Decision{Outcome: Matched}
}
