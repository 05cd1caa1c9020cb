package event

import "encoding/json"

// gitlabPush is what GitLab says about a push beside its commits.
type gitlabPush struct {
	Ref         string `json:"ref"`
	Before      string `json:"before"`
	After       string `json:"after"`
	CheckoutSHA string `json:"checkout_sha"`
	Username    string `json:"user_username"`
	Total       int    `json:"total_commits_count"`
	Project     struct {
		Path     string `json:"path_with_namespace"`
		CloneURL string `json:"git_http_url"`
	} `json:"project"`
}

// parseGitLab goes by what the payload says it is: a system hook sends pushes
// too, under a header of its own. Tag pushes have the fields of a push.
func parseGitLab(name string, payload []byte) (*Event, error) {
	var kind struct {
		Kind string `json:"object_kind"`
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return nil, unreadable(err)
	}
	switch kind.Kind {
	case "push", "tag_push":
	case "":
		return unknown(name), nil
	default:
		return unknown(kind.Kind), nil
	}
	var head gitlabPush
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, unreadable(err)
	}
	commits, err := readCommits(payload, head.CheckoutSHA)
	if err != nil {
		return nil, err
	}
	body := push{
		repository: head.Project.Path,
		cloneURL:   head.Project.CloneURL,
		sender:     head.Username,
		ref:        head.Ref,
		before:     head.Before,
		after:      head.After,
		commit:     head.CheckoutSHA,
		message:    commits.message,
		total:      head.Total,
		counted:    true,
		commits:    commits,
	}
	return body.event()
}
