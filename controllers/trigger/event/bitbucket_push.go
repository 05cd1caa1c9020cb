package event

import (
	"cmp"
	"encoding/json"
	"strings"
)

// noCommit is what names no commit, where a payload has null.
const noCommit = "0000000000000000000000000000000000000000"

// bitbucketPush is a push of one or more refs.
type bitbucketPush struct {
	Actor      bitbucketUser       `json:"actor"`
	Repository bitbucketRepository `json:"repository"`
	Push       struct {
		Changes first[bitbucketChange] `json:"changes"`
	} `json:"push"`
}

// bitbucketChange is what became of a ref. Old is null for a new one, and New for one
// that is gone.
type bitbucketChange struct {
	Old    *bitbucketRef `json:"old"`
	New    *bitbucketRef `json:"new"`
	Forced bool          `json:"forced"`
}

type bitbucketRef struct {
	// Type is branch, or something that ends in tag.
	Type   string `json:"type"`
	Name   string `json:"name"`
	Target struct {
		Hash    string         `json:"hash"`
		Message string         `json:"message"`
		Links   bitbucketLinks `json:"links"`
		Author  struct {
			Raw  string `json:"raw"`
			User struct {
				Nickname string `json:"nickname"`
			} `json:"user"`
		} `json:"author"`
	} `json:"target"`
}

func parseBitbucketPush(payload []byte) ([]*Event, error) {
	var body bitbucketPush
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	return eachRef(&body.Push.Changes, body.push)
}

func (b *bitbucketPush) push(c *bitbucketChange) push {
	said := push{
		repository: b.Repository.FullName, cloneURL: b.Repository.cloneURL(), sender: b.Actor.UUID,
		before: noCommit, after: noCommit, forced: c.Forced, pathless: true,
	}
	if c.Old != nil {
		said.ref, said.before = c.Old.ref(), c.Old.Target.Hash
	}
	if c.New != nil {
		said.ref, said.after = c.New.ref(), c.New.Target.Hash
		said.message, said.url, said.author = c.New.Target.Message, c.New.Target.Links.HTML.Href, c.New.author()
	}
	return said
}

// author without the mail address that a commit has.
func (r *bitbucketRef) author() string {
	by := &r.Target.Author
	name, _, _ := strings.Cut(by.Raw, "<")
	return cmp.Or(by.User.Nickname, strings.TrimSpace(name))
}

func (r *bitbucketRef) ref() string {
	if strings.HasSuffix(r.Type, "tag") {
		return tagPrefix + r.Name
	}
	return branchPrefix + r.Name
}
