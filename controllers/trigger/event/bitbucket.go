package event

import "strings"

// parseBitbucket reads what Bitbucket Cloud sends.
func parseBitbucket(name string, payload []byte) ([]*Event, error) {
	if name == "repo:push" {
		return parseBitbucketPush(payload)
	}
	action, isPull := strings.CutPrefix(name, "pullrequest:")
	made, isComment := strings.CutPrefix(action, "comment_")
	switch {
	case isPull && isComment:
		return parseBitbucketComment(made, payload)
	case isPull:
		return parseBitbucketPull(action, payload)
	}
	return unknown(name)
}

type (
	bitbucketRepository struct {
		UUID     string `json:"uuid"`
		FullName string `json:"full_name"`
	}
	// bitbucketUser is known by its UUID alone: names are neither unique nor fixed.
	bitbucketUser struct {
		UUID string `json:"uuid"`
	}
	// bitbucketLinks have the page of what they are of.
	bitbucketLinks struct {
		HTML struct {
			Href string `json:"href"`
		} `json:"html"`
	}
)

// cloneURL isn't in the payload. Bitbucket Cloud has one address.
func (r *bitbucketRepository) cloneURL() string {
	if r.FullName == "" {
		return ""
	}
	return "https://bitbucket.org/" + r.FullName + ".git"
}
