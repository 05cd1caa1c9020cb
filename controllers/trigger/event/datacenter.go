package event

import "strings"

// parseDataCenter reads what Bitbucket Data Center sends, which was Bitbucket Server.
func parseDataCenter(name string, payload []byte) ([]*Event, error) {
	switch name {
	case "repo:refs_changed":
		return parseDataCenterPush(payload)
	case "diagnostics:ping":
		return []*Event{{Kind: KindPing}}, nil
	}
	action, isPull := strings.CutPrefix(name, "pr:")
	made, isComment := strings.CutPrefix(action, "comment:")
	switch {
	case isPull && isComment:
		return parseDataCenterComment(made, payload)
	case isPull:
		return parseDataCenterPull(action, payload)
	}
	return unknown(name)
}

type (
	dataCenterRepository struct {
		ID      int64  `json:"id"`
		Slug    string `json:"slug"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
		Links dataCenterLinks `json:"links"`
	}
	dataCenterUser struct {
		Name string `json:"name"`
	}
	// dataCenterLinks may have null among them.
	dataCenterLinks struct {
		Clone first[dataCenterLink] `json:"clone"`
		Self  first[dataCenterLink] `json:"self"`
	}
	dataCenterLink struct {
		Href string `json:"href"`
		Name string `json:"name"`
	}
)

func (r *dataCenterRepository) fullName() string {
	if r.Project.Key == "" || r.Slug == "" {
		return ""
	}
	return r.Project.Key + "/" + r.Slug
}

// cloneURL is missing from older versions' payloads.
func (r *dataCenterRepository) cloneURL() string {
	for _, link := range r.Links.Clone.kept {
		if strings.HasPrefix(link.Name, "http") {
			return link.Href
		}
	}
	return ""
}

func (l *dataCenterLinks) page() string {
	if len(l.Self.kept) == 0 {
		return ""
	}
	return l.Self.kept[0].Href
}
