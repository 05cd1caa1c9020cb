package event

import "github.com/kayci/kayci/api/v1alpha1"

func parseGitHub(name string, payload []byte) (*Event, error) {
	switch name {
	case string(v1alpha1.EventPush):
	case string(KindPing):
		return &Event{Kind: KindPing}, nil
	default:
		return unknown(name), nil
	}
	body, err := parsePush(payload, false)
	if err != nil {
		return nil, err
	}
	return body.event()
}
