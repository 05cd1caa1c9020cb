package event

import (
	"encoding/json"
	"slices"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// parseGitLab goes by what the payload says it is: a system hook sends pushes
// too, under a header of its own. Tag pushes have the fields of a push.
func parseGitLab(name string, payload []byte) (*Event, error) {
	var kind struct {
		ObjectKind string `json:"object_kind"`
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return nil, unreadable(err)
	}
	switch kind.ObjectKind {
	case "push", "tag_push":
	case "":
		return unknown(name), nil
	default:
		return unknown(kind.ObjectKind), nil
	}
	var body gitlab.PushEvent
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	p := push{
		repository: body.Project.PathWithNamespace,
		cloneURL:   body.Project.GitHTTPURL,
		sender:     body.UserUsername,
		ref:        body.Ref,
		after:      body.After,
		commit:     body.CheckoutSHA,
	}
	for _, commit := range body.Commits {
		if commit == nil {
			continue
		}
		p.paths = append(p.paths, slices.Concat(commit.Added, commit.Modified, commit.Removed)...)
		if commit.ID == body.CheckoutSHA {
			p.message = commit.Message
		}
	}
	return p.event()
}
