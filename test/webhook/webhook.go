// Package webhook builds the requests that git hosts and scripts send to KayCI,
// signed as they sign them.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Delivery is a request, whole but for its address.
type Delivery struct {
	Header http.Header
	Body   []byte
}

// Push is what a git host says about a push.
type Push struct {
	// Repository is owner/name, and CloneURL where to clone it from.
	Repository, CloneURL string
	// Branch that was pushed, and the commit that it is at now.
	Branch, SHA string
	// Message of the commit.
	Message string
}

// GitHub is a push as GitHub delivers it. The id is the same when a delivery is
// repeated.
func GitHub(push Push, token, id string) (Delivery, error) {
	body, err := json.Marshal(map[string]any{
		"ref":    "refs/heads/" + push.Branch,
		"before": strings.Repeat("0", 40),
		"after":  push.SHA,
		"repository": map[string]any{
			"full_name": push.Repository, "clone_url": push.CloneURL, "default_branch": push.Branch,
		},
		"sender":      map[string]any{"login": "gopher"},
		"head_commit": map[string]any{"id": push.SHA, "message": push.Message},
		"commits":     []map[string]any{{"id": push.SHA, "message": push.Message, "modified": []string{"main.go"}}},
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("write the push: %w", err)
	}
	return Signed(v1alpha1.ProviderGitHub, "push", body, token, id)
}

// SignGitHub sets the signature of the body as it is now.
func (d Delivery) SignGitHub(token string) {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(d.Body)
	d.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

// Signed is a payload with the headers of its git host, to which the event is known by
// that name. The id is the same when a delivery is repeated.
func Signed(provider v1alpha1.Provider, event string, payload []byte, token, id string) (Delivery, error) {
	d := Delivery{Header: http.Header{}, Body: payload}
	d.Header.Set("Content-Type", "application/json")
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(payload)
	signature := hex.EncodeToString(mac.Sum(nil))
	headers := map[v1alpha1.Provider][3][2]string{
		v1alpha1.ProviderGitHub:          {{"X-GitHub-Event", event}, {"X-GitHub-Delivery", id}, {"X-Hub-Signature-256", "sha256=" + signature}},
		v1alpha1.ProviderGitLab:          {{"X-Gitlab-Event", event}, {"Idempotency-Key", id}, {"X-Gitlab-Token", token}},
		v1alpha1.ProviderGitea:           {{"X-Gitea-Event", event}, {"X-Gitea-Delivery", id}, {"X-Gitea-Signature", signature}},
		v1alpha1.ProviderBitbucket:       {{"X-Event-Key", event}, {"X-Request-UUID", id}, {"X-Hub-Signature", "sha256=" + signature}},
		v1alpha1.ProviderBitbucketServer: {{"X-Event-Key", event}, {"X-Request-Id", id}, {"X-Hub-Signature", "sha256=" + signature}},
	}
	named, ok := headers[provider]
	if !ok {
		return Delivery{}, fmt.Errorf("provider %q is no git host", provider)
	}
	for _, header := range named {
		d.Header.Set(header[0], header[1])
	}
	return d, nil
}

// Generic is a request with a bearer token, whose body's fields are parameters.
func Generic(params map[string]string, token string) (Delivery, error) {
	if params == nil {
		params = map[string]string{}
	}
	body, err := json.Marshal(params)
	if err != nil {
		return Delivery{}, fmt.Errorf("write the parameters: %w", err)
	}
	d := Delivery{Header: http.Header{}, Body: body}
	d.Header.Set("Content-Type", "application/json")
	d.Header.Set("Authorization", "Bearer "+token)
	return d, nil
}

// Answer is what KayCI said to a delivery.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Decision is the body of an answer to a delivery that was authenticated.
type Decision struct {
	Delivery string   `json:"delivery"`
	Results  []Result `json:"results"`
}

// Result is what the delivery meant to one Trigger.
type Result struct {
	Trigger string `json:"trigger"`
	Event   string `json:"event,omitempty"`
	Outcome string `json:"outcome"`
	Run     string `json:"run,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// Decision reads the body.
func (a Answer) Decision() (Decision, error) {
	var d Decision
	if err := json.Unmarshal(a.Body, &d); err != nil {
		return Decision{}, fmt.Errorf("read the answer %d %q: %w", a.Status, a.Body, err)
	}
	return d, nil
}

// Post sends the delivery to an address. It follows no redirect and uses no
// proxy: the answer is KayCI's own.
func (d Delivery) Post(ctx context.Context, url string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("build the request: %w", err)
	}
	request.Header = d.Header.Clone()
	client := &http.Client{
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("send the webhook: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}
