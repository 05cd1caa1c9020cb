package gitea

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// NewPullRequest asks for one.
type NewPullRequest struct {
	Title string
	// Head is a branch, of another repository as owner:branch.
	Head string
	// Base is the branch that it is to be merged into.
	Base string
}

// PullRequest is what is known of one.
type PullRequest struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	State  string `json:"state"`
	Merged bool   `json:"merged"`
	Draft  bool   `json:"draft"`
	// MergeCommit is there once it is merged.
	MergeCommit string `json:"merge_commit_sha"`
	Head        Branch `json:"head"`
	Base        Branch `json:"base"`
}

// Branch is a side of a pull request.
type Branch struct {
	Ref string `json:"ref"`
	SHA string `json:"sha"`
}

// CreatePullRequest opens a pull request, once Gitea has taken in what was pushed first.
func (c *Client) CreatePullRequest(ctx context.Context, repository string, p NewPullRequest) (made PullRequest, err error) {
	if err := c.awaitContent(ctx, repository); err != nil {
		return made, err
	}
	err = c.call(ctx, http.MethodPost, "/repos/"+repository+"/pulls", map[string]any{"title": p.Title, "head": p.Head, "base": p.Base}, &made)
	return made, err
}

// PullRequest returns a pull request as it is now.
func (c *Client) PullRequest(ctx context.Context, repository string, number int64) (p PullRequest, err error) {
	err = c.call(ctx, http.MethodGet, pull(repository, number), nil, &p)
	return p, err
}

// Retitle changes a pull request's title. One that begins with "WIP:" is a draft.
func (c *Client) Retitle(ctx context.Context, repository string, number int64, title string) error {
	return c.call(ctx, http.MethodPatch, pull(repository, number), map[string]any{"title": title}, nil)
}

// Close closes a pull request without merging it.
func (c *Client) Close(ctx context.Context, repository string, number int64) error {
	return c.call(ctx, http.MethodPatch, pull(repository, number), map[string]any{"state": "closed"}, nil)
}

// Merge merges a pull request. Gitea finds out in its own time whether it can be, and
// until then says that it may be tried again.
func (c *Client) Merge(ctx context.Context, repository string, number int64) error {
	var refused error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := c.call(ctx, http.MethodPost, pull(repository, number)+"/merge", map[string]any{"Do": "merge"}, nil)
		if IsStatus(err, http.StatusMethodNotAllowed) {
			refused = err
			return false, nil
		}
		return err == nil, err
	})
	if err != nil && refused != nil {
		return fmt.Errorf("merge: %w: %w", err, refused)
	}
	return err
}

// Comment comments on a pull request.
func (c *Client) Comment(ctx context.Context, repository string, number int64, text string) error {
	return c.call(ctx, http.MethodPost, issue(repository, number)+"/comments", map[string]any{"body": text}, nil)
}

// label is one of a repository.
type label struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// CreateLabel makes a label, for pull requests of a repository to carry.
func (c *Client) CreateLabel(ctx context.Context, repository, name string) error {
	return c.call(ctx, http.MethodPost, "/repos/"+repository+"/labels", map[string]any{"name": name, "color": "#1d76db"}, nil)
}

// AddLabel puts a label of the repository on a pull request.
func (c *Client) AddLabel(ctx context.Context, repository string, number int64, name string) error {
	return c.call(ctx, http.MethodPost, issue(repository, number)+"/labels", map[string]any{"labels": []string{name}}, nil)
}

// RemoveLabel takes a label off a pull request.
func (c *Client) RemoveLabel(ctx context.Context, repository string, number int64, name string) error {
	var labels []label
	if err := c.call(ctx, http.MethodGet, issue(repository, number)+"/labels", nil, &labels); err != nil {
		return err
	}
	for _, l := range labels {
		if l.Name == name {
			return c.call(ctx, http.MethodDelete, fmt.Sprintf("%s/labels/%d", issue(repository, number), l.ID), nil, nil)
		}
	}
	return fmt.Errorf("gitea: %s#%d has no label %s", repository, number, name)
}

func pull(repository string, number int64) string {
	return fmt.Sprintf("/repos/%s/pulls/%d", repository, number)
}

// issue is what a pull request is to comments and labels.
func issue(repository string, number int64) string {
	return fmt.Sprintf("/repos/%s/issues/%d", repository, number)
}

// comments are those on a pull request, the first one first.
func (c *Client) comments(ctx context.Context, repository string, number int64) (ids []int64, err error) {
	var comments []struct {
		ID int64 `json:"id"`
	}
	err = c.call(ctx, http.MethodGet, issue(repository, number)+"/comments", nil, &comments)
	for _, comment := range comments {
		ids = append(ids, comment.ID)
	}
	return ids, err
}

// LastComment is the id of the newest comment on a pull request that has some.
func (c *Client) LastComment(ctx context.Context, repository string, number int64) (int64, error) {
	ids, err := c.comments(ctx, repository, number)
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("pull request %d has no comment", number)
	}
	if err != nil {
		return 0, err
	}
	return ids[len(ids)-1], nil
}

// Reactions are those to each comment on a pull request, the first one first.
func (c *Client) Reactions(ctx context.Context, repository string, number int64) ([][]string, error) {
	ids, err := c.comments(ctx, repository, number)
	if err != nil {
		return nil, err
	}
	all := make([][]string, len(ids))
	for i, id := range ids {
		var reactions []struct {
			Content string `json:"content"`
		}
		if err := c.call(ctx, http.MethodGet, fmt.Sprintf("/repos/%s/issues/comments/%d/reactions", repository, id), nil, &reactions); err != nil {
			return nil, err
		}
		for _, reaction := range reactions {
			all[i] = append(all[i], reaction.Content)
		}
	}
	return all, nil
}
