package event

import (
	"encoding/json"

	"github.com/kayci/kayci/api/v1alpha1"
)

// bitbucketPull is an event of a pull request.
type bitbucketPull struct {
	Actor       bitbucketUser       `json:"actor"`
	Repository  bitbucketRepository `json:"repository"`
	PullRequest struct {
		ID          int64          `json:"id"`
		Title       string         `json:"title"`
		Draft       bool           `json:"draft"`
		Author      bitbucketUser  `json:"author"`
		Source      bitbucketEnd   `json:"source"`
		Destination bitbucketEnd   `json:"destination"`
		Links       bitbucketLinks `json:"links"`
		MergeCommit struct {
			Hash string `json:"hash"`
		} `json:"merge_commit"`
	} `json:"pullrequest"`
}

// bitbucketEnd is one of the two branches. A deleted repository is null.
type bitbucketEnd struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Commit struct {
		// Hash has 12 characters.
		Hash string `json:"hash"`
	} `json:"commit"`
	Repository *bitbucketRepository `json:"repository"`
}

func parseBitbucketPull(action string, payload []byte) ([]*Event, error) {
	var body bitbucketPull
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	said := body.pull()
	return said.events(change{action: bitbucketAction(action)})
}

func (b *bitbucketPull) pull() pull {
	of := &b.PullRequest
	said := pull{
		repository: b.Repository.FullName,
		cloneURL:   b.Repository.cloneURL(),
		sender:     b.Actor.UUID,
		number:     of.ID,
		title:      of.Title,
		author:     of.Author.UUID,
		draft:      of.Draft,
		sha:        of.Source.Commit.Hash,
		merge:      of.MergeCommit.Hash,
		short:      true,
		head:       of.Source.Branch.Name,
		base:       of.Destination.Branch.Name,
		fork:       true,
		url:        of.Links.HTML.Href,
	}
	if head := of.Source.Repository; head != nil {
		said.headRepository = head.FullName
		said.fork = head.UUID == "" || head.UUID != b.Repository.UUID
	}
	return said
}

// bitbucketAction is the neutral action. What an update has changed Bitbucket Cloud
// doesn't say: it may be the head.
func bitbucketAction(action string) v1alpha1.EventAction {
	switch action {
	case "created":
		return v1alpha1.ActionOpened
	case "fulfilled":
		return v1alpha1.ActionMerged
	case "rejected":
		return v1alpha1.ActionClosed
	}
	return v1alpha1.EventAction(cleaned(action))
}

func parseBitbucketComment(action string, payload []byte) ([]*Event, error) {
	var body struct {
		bitbucketPull
		Comment struct {
			Content struct {
				Raw string `json:"raw"`
			} `json:"content"`
			User  bitbucketUser  `json:"user"`
			Links bitbucketLinks `json:"links"`
		} `json:"comment"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	if action == "updated" {
		action = "edited"
	}
	said := comment{
		pull: body.pull(), action: action, body: body.Comment.Content.Raw, author: body.Comment.User.UUID,
		url: body.Comment.Links.HTML.Href,
	}
	return one(said.event())
}
