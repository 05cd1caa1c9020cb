package event

import "strings"

// parseGitea reads what Forgejo sends, too.
func parseGitea(name string, payload []byte) ([]*Event, error) {
	switch name {
	case "push":
		return parseGiteaPush(payload)
	case "pull_request":
		return parseGiteaPull(payload)
	case "issue_comment":
		return parseAlikeComment(name, payload, giteaDraft)
	case "release":
		return parseAlikeRelease(payload)
	}
	return unknown(name)
}

// giteaDraft goes by the title, as Gitea does by default.
func giteaDraft(title string) bool {
	title = strings.ToUpper(title)
	return strings.HasPrefix(title, "WIP:") || strings.HasPrefix(title, "[WIP]")
}

// parseGiteaPush tells a push from the one that Gitea makes up to test a webhook: from
// a commit to the same.
func parseGiteaPush(payload []byte) ([]*Event, error) {
	events, err := parseAlikePush(payload, true)
	if err == nil && events[0].SHA != "" && events[0].Before == events[0].SHA {
		return []*Event{{Kind: KindPing}}, nil
	}
	return events, err
}
