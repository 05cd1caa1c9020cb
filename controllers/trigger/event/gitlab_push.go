package event

import "encoding/json"

// gitlabPush is what GitLab says about a push beside its commits.
type gitlabPush struct {
	Ref         string        `json:"ref"`
	Before      string        `json:"before"`
	After       string        `json:"after"`
	CheckoutSHA string        `json:"checkout_sha"`
	Username    string        `json:"user_username"`
	Total       int           `json:"total_commits_count"`
	Project     gitlabProject `json:"project"`
}

func parseGitLabPush(payload []byte) ([]*Event, error) {
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
		author:     commits.author,
		url:        commits.url,
		total:      head.Total,
		counted:    true,
		commits:    commits,
	}
	if body.url == "" && head.CheckoutSHA != "" {
		body.url = head.Project.WebURL + "/-/commit/" + head.CheckoutSHA
	}
	return one(body.event())
}
