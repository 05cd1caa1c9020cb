package event

import "encoding/json"

// parseGitLabNote reads a comment. One on anything but a merge request, and one that
// GitLab itself has written, is an event without a parser.
func parseGitLabNote(payload []byte) ([]*Event, error) {
	var body struct {
		User       gitlabUser    `json:"user"`
		Project    gitlabProject `json:"project"`
		Attributes struct {
			ID     int64  `json:"id"`
			Note   string `json:"note"`
			On     string `json:"noteable_type"` //nolint:misspell // it is GitLab's
			URL    string `json:"url"`
			System bool   `json:"system"`
			// Action is missing from older versions, which tell of new comments alone.
			Action string `json:"action"`
		} `json:"object_attributes"`
		MergeRequest *gitlabMerge `json:"merge_request"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	if body.MergeRequest == nil || body.Attributes.On != "MergeRequest" || body.Attributes.System {
		return unknown("note")
	}
	said := comment{
		pull:   body.MergeRequest.pull(&body.Project, &body.User),
		action: body.Attributes.Action, body: body.Attributes.Note, author: body.User.Username, url: body.Attributes.URL,
		remark: Remark{ID: body.Attributes.ID},
	}
	switch said.action {
	case "create", "":
		said.action = "created"
	case "update":
		said.action = "edited"
	}
	return one(said.event())
}
