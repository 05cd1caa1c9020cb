package event

import (
	"encoding/json"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// dataCenterPull is an event of a pull request.
type dataCenterPull struct {
	Actor       dataCenterUser `json:"actor"`
	PullRequest struct {
		ID     int64         `json:"id"`
		Title  string        `json:"title"`
		Draft  bool          `json:"draft"`
		From   dataCenterEnd `json:"fromRef"`
		To     dataCenterEnd `json:"toRef"`
		Author struct {
			User dataCenterUser `json:"user"`
		} `json:"author"`
		Links      dataCenterLinks `json:"links"`
		Properties struct {
			MergeCommit struct {
				ID string `json:"id"`
			} `json:"mergeCommit"`
		} `json:"properties"`
	} `json:"pullRequest"`
	// PreviousFrom is the head that an update has replaced.
	PreviousFrom string `json:"previousFromHash"`
}

// dataCenterEnd is one of the two branches.
type dataCenterEnd struct {
	ID         string                `json:"id"`
	Commit     string                `json:"latestCommit"`
	Repository *dataCenterRepository `json:"repository"`
}

func parseDataCenterPull(action string, payload []byte) ([]*Event, error) {
	var body dataCenterPull
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	said := body.pull()
	return said.events(change{action: dataCenterAction(action)})
}

func (b *dataCenterPull) pull() pull {
	of := &b.PullRequest
	said := pull{
		sender: b.Actor.Name,
		number: of.ID,
		ref:    numbered("refs/pull-requests/%d/from", of.ID),
		title:  of.Title,
		author: of.Author.User.Name,
		draft:  of.Draft,
		sha:    of.From.Commit,
		before: b.PreviousFrom,
		merge:  of.Properties.MergeCommit.ID,
		head:   strings.TrimPrefix(of.From.ID, branchPrefix),
		base:   strings.TrimPrefix(of.To.ID, branchPrefix),
		fork:   true,
		url:    of.Links.page(),
	}
	head, base := of.From.Repository, of.To.Repository
	if base != nil {
		said.repository, said.cloneURL = base.fullName(), base.cloneURL()
	}
	if head != nil {
		said.headRepository = head.fullName()
		said.fork = base == nil || head.ID == 0 || head.ID != base.ID
	}
	return said
}

// dataCenterAction is the neutral action. One that was deleted is closed, too.
func dataCenterAction(action string) v1alpha1.EventAction {
	switch action {
	case "from_ref_updated":
		return v1alpha1.ActionUpdated
	case "modified", "to_ref_updated":
		return v1alpha1.ActionEdited
	case "declined", "deleted":
		return v1alpha1.ActionClosed
	}
	return v1alpha1.EventAction(cleaned(action))
}

func parseDataCenterComment(action string, payload []byte) ([]*Event, error) {
	var body struct {
		dataCenterPull
		Comment struct {
			Text   string         `json:"text"`
			Author dataCenterUser `json:"author"`
		} `json:"comment"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	if action == "added" {
		action = "created"
	}
	said := comment{pull: body.pull(), action: action, body: body.Comment.Text, author: body.Comment.Author.Name}
	said.url = said.pull.url
	return one(said.event())
}
