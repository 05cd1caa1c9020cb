package event

import (
	"encoding/json"
	"slices"

	"github.com/google/go-github/v88/github"

	"github.com/kayci/kayci/api/v1alpha1"
)

func parseGitHub(name string, payload []byte) (*Event, error) {
	switch name {
	case string(v1alpha1.EventPush):
	case string(KindPing):
		return &Event{Kind: KindPing}, nil
	default:
		return unknown(name), nil
	}
	var body github.PushEvent
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	var paths []string
	for _, commit := range body.Commits {
		if commit != nil {
			paths = append(paths, slices.Concat(commit.Added, commit.Modified, commit.Removed)...)
		}
	}
	return push{
		repository: body.GetRepo().GetFullName(),
		cloneURL:   body.GetRepo().GetCloneURL(),
		sender:     body.GetSender().GetLogin(),
		ref:        body.GetRef(),
		after:      body.GetAfter(),
		commit:     body.GetHeadCommit().GetID(),
		message:    body.GetHeadCommit().GetMessage(),
		paths:      paths,
	}.event()
}
