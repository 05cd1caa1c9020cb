package event

import (
	"encoding/json"

	"github.com/kayci/kayci/api/v1alpha1"
)

// giteaPull is a pull request's event. Its action is coarse: the changes say more.
type giteaPull struct {
	alikeEvent
	PullRequest alikePull `json:"pull_request"`
	Changes     struct {
		Title *struct {
			From string `json:"from"`
		} `json:"title"`
		Added   labels `json:"added_labels"`
		Removed labels `json:"removed_labels"`
	} `json:"changes"`
}

func parseGiteaPull(payload []byte) ([]*Event, error) {
	var body giteaPull
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	draft := giteaDraft(body.PullRequest.Title)
	if body.PullRequest.Draft == nil {
		body.PullRequest.Draft = &draft
	}
	said := body.PullRequest.pull(&body.alikeEvent)
	return said.events(body.became()...)
}

func (b *giteaPull) became() []change {
	switch b.Action {
	case "synchronized", "synchronize":
		return []change{{action: v1alpha1.ActionUpdated}}
	case "closed":
		if b.PullRequest.Merged {
			return []change{{action: v1alpha1.ActionMerged}}
		}
	case "edited":
		return []change{{action: b.edited()}}
	case "label_updated":
		if changes := labelChanges(b.Changes.Added.names, b.Changes.Removed.names); len(changes) > 0 {
			return changes
		}
	case "label_cleared":
		return []change{{action: v1alpha1.ActionUnlabeled}}
	}
	return []change{{action: v1alpha1.EventAction(cleaned(b.Action))}}
}

// edited tells a title that has got or lost the mark of a draft from other changes.
func (b *giteaPull) edited() v1alpha1.EventAction {
	if b.Changes.Title == nil {
		return v1alpha1.ActionEdited
	}
	was, is := giteaDraft(b.Changes.Title.From), *b.PullRequest.Draft
	return redrafted(was, is)
}
