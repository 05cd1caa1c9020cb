package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/kayci/kayci/test/gitclone"
)

// Client speaks to the API as one user.
type Client struct {
	url      string
	username string
	// A token goes before a password.
	password, token string
}

// NewClient speaks as a user whose password is known to the Gitea at an address, which
// has no slash at the end.
func NewClient(url string, user gitclone.Credentials) *Client {
	return &Client{url: url, username: user.Username, password: user.Password}
}

// Error is an answer that says no.
type Error struct {
	// Request is its method and path.
	Request string
	Status  int
	Message string
}

// Error names the request, the status, and what Gitea says of it.
func (e *Error) Error() string {
	return fmt.Sprintf("gitea: %s: %d %s: %s", e.Request, e.Status, http.StatusText(e.Status), e.Message)
}

// IsStatus tells whether the error is an answer with that status.
func IsStatus(err error, status int) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Status == status
}

// Username of who it speaks as.
func (c *Client) Username() string { return c.username }

// WithToken is a client that has no other rights than the token.
func (c *Client) WithToken(token string) *Client {
	return &Client{url: c.url, username: c.username, token: token}
}

// Credentials to clone and to push with: git takes a token for a password.
func (c *Client) Credentials() gitclone.Credentials {
	if c.token != "" {
		return gitclone.Credentials{Username: c.username, Password: c.token}
	}
	return gitclone.Credentials{Username: c.username, Password: c.password}
}

// answerLimit is how much of an answer is read.
const answerLimit = 10 << 20

// call sends a value to a path of the API and reads the answer. Either may be nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	answer, err := c.send(ctx, method, path, body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("gitea: %s %s: read the answer: %w", method, path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		request.Header.Set("Authorization", "token "+c.token)
	} else {
		request.SetBasicAuth(c.username, c.password)
	}
	response, err := direct().Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("gitea: %s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, &Error{Request: method + " " + path, Status: response.StatusCode, Message: message(answer)}
	}
	return answer, nil
}

// message is what an answer says of an error, in words if it has them.
func message(answer []byte) string {
	var said struct{ Message string }
	if err := json.Unmarshal(answer, &said); err != nil || said.Message == "" {
		return string(answer)
	}
	return said.Message
}

// direct uses no proxy and follows no redirect. A connection is used once: none is
// left to a server that was stopped.
func direct() *http.Client {
	return &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
