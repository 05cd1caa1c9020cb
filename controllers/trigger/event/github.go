package event

import "github.com/kayci/kayci/api/v1alpha1"

// githubLineComment is GitHub's event of a comment on a line of the change.
const githubLineComment = "pull_request_review_comment"

func parseGitHub(name string, payload []byte) ([]*Event, error) {
	switch name {
	case "push":
		return parseAlikePush(payload, false)
	case "pull_request":
		return parseGitHubPull(payload)
	case "issue_comment", githubLineComment:
		return parseAlikeComment(name, payload, func(string) bool { return false })
	case "release":
		return parseAlikeRelease(payload)
	case githubCheckRun, githubCheckSuite:
		return parseGitHubCheck(name, payload)
	case "ping":
		return []*Event{{Kind: KindPing}}, nil
	}
	return unknown(name)
}

// githubAction is the neutral action. Those that aren't named here are called the
// same, or have no neutral name.
func githubAction(action string, merged bool) v1alpha1.EventAction {
	switch {
	case action == "synchronize":
		return v1alpha1.ActionUpdated
	case action == "closed" && merged:
		return v1alpha1.ActionMerged
	case action == "converted_to_draft":
		return v1alpha1.ActionDrafted
	case action == "ready_for_review":
		return v1alpha1.ActionReady
	}
	return v1alpha1.EventAction(cleaned(action))
}
