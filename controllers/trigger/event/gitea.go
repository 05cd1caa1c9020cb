package event

import (
	"encoding/json"
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
)

// giteaPush is the part of Gitea's and Forgejo's push payload that is read.
// Their SDK has no types for payloads, and GitHub's types don't fit: they are
// strict about fields that Gitea writes differently.
type giteaPush struct {
	Ref        string        `json:"ref"`
	After      string        `json:"after"`
	Commits    []giteaCommit `json:"commits"`
	HeadCommit giteaCommit   `json:"head_commit"`
	Repository struct {
		FullName string `json:"full_name"`
		CloneURL string `json:"clone_url"`
	} `json:"repository"`
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
}

type giteaCommit struct {
	ID       string   `json:"id"`
	Message  string   `json:"message"`
	Added    []string `json:"added"`
	Removed  []string `json:"removed"`
	Modified []string `json:"modified"`
}

func parseGitea(name string, payload []byte) (*Event, error) {
	if name != string(v1alpha1.EventPush) {
		return unknown(name), nil
	}
	var body giteaPush
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	p := push{
		repository: body.Repository.FullName,
		cloneURL:   body.Repository.CloneURL,
		sender:     body.Sender.Login,
		ref:        body.Ref,
		after:      body.After,
		commit:     body.HeadCommit.ID,
		message:    body.HeadCommit.Message,
	}
	for _, commit := range body.Commits {
		p.paths = append(p.paths, slices.Concat(commit.Added, commit.Modified, commit.Removed)...)
	}
	return p.event()
}
