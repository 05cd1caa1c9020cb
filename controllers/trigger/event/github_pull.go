package event

import "encoding/json"

func parseGitHubPull(payload []byte) ([]*Event, error) {
	var body struct {
		alikeEvent
		// Before is the head that an update has replaced.
		Before      string    `json:"before"`
		PullRequest alikePull `json:"pull_request"`
		Label       struct {
			Name string `json:"name"`
		} `json:"label"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	said := body.PullRequest.pull(&body.alikeEvent)
	said.before = body.Before
	return said.events(change{githubAction(body.Action, body.PullRequest.Merged), labelOf(body.Label.Name)})
}
