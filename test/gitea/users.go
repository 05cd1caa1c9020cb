package gitea

import (
	"context"
	"net/http"

	"github.com/kayci/kayci/test/gitclone"
)

// CreateUser makes a user, which takes an administrator, and returns a client that
// speaks as the new user.
func (c *Client) CreateUser(ctx context.Context, name, password string) (*Client, error) {
	err := c.call(ctx, http.MethodPost, "/admin/users", map[string]any{
		"username": name, "email": name + "@example.com", "password": password, "must_change_password": false,
	}, nil)
	if err != nil {
		return nil, err
	}
	return NewClient(c.url, gitclone.Credentials{Username: name, Password: password}), nil
}

// CreateToken makes a token of the client's own user, who needs a password for it.
// Scopes are write:repository, read:issue and the like, or all.
func (c *Client) CreateToken(ctx context.Context, name string, scopes ...string) (string, error) {
	var token struct {
		Value string `json:"sha1"`
	}
	err := c.call(ctx, http.MethodPost, "/users/"+c.username+"/tokens", map[string]any{"name": name, "scopes": scopes}, &token)
	return token.Value, err
}

// CreateOrganization makes an organization that the client's user owns.
func (c *Client) CreateOrganization(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "/orgs", map[string]any{"username": name}, nil)
}
