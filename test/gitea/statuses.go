package gitea

import (
	"cmp"
	"context"
	"net/http"
	"slices"
)

// Status of a commit, as one of those who judge it sees it.
type Status struct {
	// Context says who that is.
	Context string
	// State is pending, success, error or failure.
	State       string
	Description string
	TargetURL   string
}

// status is what the API makes of one: the state's name in an answer isn't that in
// a request.
type status struct {
	ID          int64  `json:"id,omitempty"`
	Context     string `json:"context"`
	State       string `json:"state,omitempty"`
	Status      string `json:"status,omitempty"`
	Description string `json:"description"`
	TargetURL   string `json:"target_url"`
}

// SetStatus adds a status to a commit.
func (c *Client) SetStatus(ctx context.Context, repository, commit string, s Status) error {
	return c.call(ctx, http.MethodPost, "/repos/"+repository+"/statuses/"+commit,
		status{Context: s.Context, State: s.State, Description: s.Description, TargetURL: s.TargetURL}, nil)
}

// Statuses returns every status that a commit was given, the latest first.
func (c *Client) Statuses(ctx context.Context, repository, commit string) ([]Status, error) {
	var answer []status
	err := c.call(ctx, http.MethodGet, "/repos/"+repository+"/commits/"+commit+"/statuses", nil, &answer)
	// Gitea has no order for those of the same second.
	slices.SortFunc(answer, func(a, b status) int { return cmp.Compare(b.ID, a.ID) })
	return read(answer), err
}

// CombinedStatus returns what all contexts together make of a commit, and the latest
// status of each.
func (c *Client) CombinedStatus(ctx context.Context, repository, commit string) (state string, latest []Status, err error) {
	var answer struct {
		State    string   `json:"state"`
		Statuses []status `json:"statuses"`
	}
	err = c.call(ctx, http.MethodGet, "/repos/"+repository+"/commits/"+commit+"/status", nil, &answer)
	return answer.State, read(answer.Statuses), err
}

func read(answer []status) []Status {
	var statuses []Status
	for _, s := range answer {
		statuses = append(statuses, Status{Context: s.Context, State: s.Status, Description: s.Description, TargetURL: s.TargetURL})
	}
	return statuses
}
