package event

import (
	"encoding/json"
	"strings"
)

// dataCenterPush is a push of one or more refs.
type dataCenterPush struct {
	Actor      dataCenterUser          `json:"actor"`
	Repository dataCenterRepository    `json:"repository"`
	Changes    first[dataCenterChange] `json:"changes"`
	// ToCommit is what the one ref of a push leads to. Older versions don't say it.
	ToCommit struct {
		ID      string `json:"id"`
		Message string `json:"message"`
		Author  author `json:"author"`
	} `json:"toCommit"`
}

type dataCenterChange struct {
	Ref struct {
		ID string `json:"id"`
	} `json:"ref"`
	From string `json:"fromHash"`
	To   string `json:"toHash"`
}

func parseDataCenterPush(payload []byte) ([]*Event, error) {
	var body dataCenterPush
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	return eachRef(&body.Changes, body.push)
}

func (b *dataCenterPush) push(c *dataCenterChange) push {
	said := push{
		repository: b.Repository.fullName(), cloneURL: b.Repository.cloneURL(), sender: b.Actor.Name,
		ref: c.Ref.ID, before: c.From, after: c.To, pathless: true,
	}
	if b.Changes.count == 1 || b.ToCommit.ID == c.To {
		said.commit, said.message, said.author = b.ToCommit.ID, b.ToCommit.Message, b.ToCommit.Author.String()
	}
	if browse, ok := strings.CutSuffix(b.Repository.Links.page(), "/browse"); ok {
		said.url = browse + "/commits/" + c.To
	}
	return said
}
