package event

import "encoding/json"

// parseGitLab goes by what the payload says it is: a system hook sends the same, under
// a header of its own. Tag pushes have the fields of a push.
func parseGitLab(name string, payload []byte) ([]*Event, error) {
	var kind struct {
		Kind string `json:"object_kind"`
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return nil, unreadable(err)
	}
	switch kind.Kind {
	case "push", "tag_push":
		return parseGitLabPush(payload)
	case "merge_request":
		return parseGitLabMerge(payload)
	case "note":
		return parseGitLabNote(payload)
	case "release":
		return parseGitLabRelease(payload)
	case "":
		return unknown(name)
	}
	return unknown(kind.Kind)
}

type (
	gitlabProject struct {
		Path     string `json:"path_with_namespace"`
		CloneURL string `json:"git_http_url"`
		WebURL   string `json:"web_url"`
	}
	gitlabUser struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
	}
)
