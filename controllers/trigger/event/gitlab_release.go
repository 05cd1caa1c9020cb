package event

import "encoding/json"

// parseGitLabRelease reads a release. Who has made it GitLab doesn't say.
func parseGitLabRelease(payload []byte) ([]*Event, error) {
	var body struct {
		Project gitlabProject `json:"project"`
		Action  string        `json:"action"`
		Name    string        `json:"name"`
		Tag     string        `json:"tag"`
		URL     string        `json:"url"`
		Commit  struct {
			ID      string `json:"id"`
			Message string `json:"message"`
			Author  author `json:"author"`
		} `json:"commit"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	said := release{
		repository: body.Project.Path, cloneURL: body.Project.CloneURL, action: body.Action,
		sha: body.Commit.ID, message: body.Commit.Message, author: body.Commit.Author.String(),
		Release: Release{Name: body.Name, Tag: body.Tag, URL: body.URL},
	}
	return one(said.event())
}
