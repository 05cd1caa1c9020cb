package event

import "github.com/kayci/kayci/api/v1alpha1"

// parseGitea reads what Forgejo sends, too.
func parseGitea(name string, payload []byte) (*Event, error) {
	if name != string(v1alpha1.EventPush) {
		return unknown(name), nil
	}
	body, err := parsePush(payload, true)
	if err != nil {
		return nil, err
	}
	return body.event()
}
