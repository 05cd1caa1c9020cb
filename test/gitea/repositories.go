package gitea

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/test/gitclone"
)

// CreateRepository makes an empty repository, owner/name, of the client's user or of
// an organization that the user owns.
func (c *Client) CreateRepository(ctx context.Context, repository string, private bool) error {
	owner, name, _ := strings.Cut(repository, "/")
	path := "/orgs/" + owner + "/repos"
	if owner == c.username {
		path = "/user/repos"
	}
	return c.call(ctx, http.MethodPost, path, map[string]any{"name": name, "private": private, "default_branch": "main"}, nil)
}

// awaitContent waits until Gitea knows that the repository isn't empty. It takes in pushes
// in its own time, and until then the repository has no pull requests.
func (c *Client) awaitContent(ctx context.Context, repository string) error {
	var known struct {
		Empty bool `json:"empty"`
	}
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := c.call(ctx, http.MethodGet, "/repos/"+repository, nil, &known)
		return err == nil && !known.Empty, err
	})
	if err != nil {
		return fmt.Errorf("wait for what was pushed to %s: %w", repository, err)
	}
	return nil
}

// Fork makes a repository of the client's user, of the same name, that is a fork.
func (c *Client) Fork(ctx context.Context, repository string) (fork string, err error) {
	var made struct {
		FullName string `json:"full_name"`
	}
	err = c.call(ctx, http.MethodPost, "/repos/"+repository+"/forks", map[string]any{}, &made)
	return made.FullName, err
}

// SetCollaborator gives a user a permission of a repository: read, write or admin.
func (c *Client) SetCollaborator(ctx context.Context, repository, user, permission string) error {
	return c.call(ctx, http.MethodPut, "/repos/"+repository+"/collaborators/"+user, map[string]any{"permission": permission}, nil)
}

// File returns a file of a branch, a tag or a commit.
func (c *Client) File(ctx context.Context, repository, path, ref string) ([]byte, error) {
	escaped := (&url.URL{Path: path}).EscapedPath()
	return c.send(ctx, http.MethodGet, "/repos/"+repository+"/raw/"+escaped+"?ref="+url.QueryEscape(ref), bytes.NewReader(nil))
}

// CreateRelease publishes a release of a tag, which is made at the ref if it is
// missing.
func (c *Client) CreateRelease(ctx context.Context, repository, tag, ref string) error {
	return c.call(ctx, http.MethodPost, "/repos/"+repository+"/releases", map[string]any{
		"tag_name": tag, "target_commitish": ref, "name": tag,
	}, nil)
}

// CloneURL of a repository, without credentials.
func (c *Client) CloneURL(repository string) string { return c.url + "/" + repository + ".git" }

// Clone clones a repository into a folder, to commit and to push as the client's
// user.
func (c *Client) Clone(ctx context.Context, repository, dir, branch string) (*gitclone.Clone, error) {
	return gitclone.Make(ctx, c.CloneURL(repository), dir, branch, c.Credentials())
}
