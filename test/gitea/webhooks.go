package gitea

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Webhook is where a repository's events go.
type Webhook struct {
	URL string
	// Secret signs the bodies of deliveries.
	Secret string
	// Events are push, create, delete, pull_request, release, issues and the like.
	// pull_request is all that happens to one, pull_request_only what opens and
	// closes it.
	Events []string
	// Branches is a pattern of branches whose pushes are delivered. Blank: all.
	Branches string
}

// CreateWebhook makes a webhook and returns its number.
func (c *Client) CreateWebhook(ctx context.Context, repository string, w Webhook) (id int64, err error) {
	var made struct {
		ID int64 `json:"id"`
	}
	err = c.call(ctx, http.MethodPost, "/repos/"+repository+"/hooks", map[string]any{
		"type": "gitea", "active": true, "events": w.Events, "branch_filter": w.Branches,
		"config": map[string]string{"url": w.URL, "content_type": "json", "secret": w.Secret},
	}, &made)
	return made.ID, err
}

// TestWebhook has Gitea deliver a push of the default branch that changes nothing.
func (c *Client) TestWebhook(ctx context.Context, repository string, id int64) error {
	return c.call(ctx, http.MethodPost, fmt.Sprintf("/repos/%s/hooks/%d/tests", repository, id), nil, nil)
}

// Delivery is a request of a webhook that Gitea has made or is about to make. Gitea
// doesn't repeat those that failed of its own accord.
type Delivery struct {
	// ID is the request's X-Gitea-Delivery.
	ID    string
	State DeliveryState
}

// DeliveryState is what became of a delivery.
type DeliveryState string

// What Gitea knows of deliveries.
const (
	DeliveryWaiting   DeliveryState = "waiting"
	DeliverySucceeded DeliveryState = "succeeded"
	DeliveryFailed    DeliveryState = "failed"
)

// Deliveries returns a webhook's deliveries, the latest first. The API has nothing
// of them: they are read from the page, for which the client needs a password.
func (c *Client) Deliveries(ctx context.Context, repository string, id int64) ([]Delivery, error) {
	s, err := c.signIn(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.do(ctx, http.MethodGet, webhookPage(repository, id), nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return deliveries(page), nil
}

// Redeliver has Gitea make the request of a delivery again, as a delivery of its
// own: with another X-Gitea-Delivery and the same body. The API has nothing of it:
// it is what the button of the page does, for which the client needs a password.
func (c *Client) Redeliver(ctx context.Context, repository string, id int64, delivery string) error {
	s, err := c.signIn(ctx)
	if err != nil {
		return err
	}
	_, err = s.do(ctx, http.MethodPost, webhookPage(repository, id)+"/replay/"+delivery, url.Values{}, http.StatusSeeOther)
	return err
}

func webhookPage(repository string, id int64) string {
	return fmt.Sprintf("/%s/settings/hooks/%d", repository, id)
}

// deliveryRow is what a page has of a delivery: a sign for its state, and its ID as
// the text of a button.
const deliveryRow = `octicon-(check|stopwatch|alert)\b[^\n]*\s*</span>\s*<button[^>]*data-panel="#info-\d+">([0-9a-f-]{36})</button>`

func deliveries(page string) []Delivery {
	states := map[string]DeliveryState{"check": DeliverySucceeded, "stopwatch": DeliveryWaiting, "alert": DeliveryFailed}
	var found []Delivery
	for _, match := range regexp.MustCompile(deliveryRow).FindAllStringSubmatch(page, -1) {
		found = append(found, Delivery{ID: match[2], State: states[match[1]]})
	}
	return found
}

// session is of a user who has signed in, as with a browser.
type session struct {
	url  string
	http *http.Client
}

func (c *Client) signIn(ctx context.Context) (*session, error) {
	if c.password == "" {
		return nil, errors.New("gitea: " + c.username + " has no password here, which pages take")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &session{url: c.url, http: direct()}
	s.http.Jar = jar
	form := url.Values{"user_name": {c.username}, "password": {c.password}}
	if _, err := s.do(ctx, http.MethodPost, "/user/login", form, http.StatusSeeOther); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", c.username, err)
	}
	return s, nil
}

// do requests a page and returns it. A status other than the expected is an error.
func (s *session) do(ctx context.Context, method, path string, form url.Values, status int) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := s.http.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return "", err
	}
	if response.StatusCode != status {
		return "", &Error{Request: method + " " + path, Status: response.StatusCode, Message: "expected " + http.StatusText(status)}
	}
	return string(page), nil
}
