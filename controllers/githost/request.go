package githost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

const (
	// timeout of one request, with its answer.
	timeout = 20 * time.Second
	// maxBody bounds what is read of an answer.
	maxBody = 1 << 20
	// pageSize is how many entries are asked for at once, and maxPages how often for
	// more of them: GitHub has 3,000 files of a pull request at most.
	pageSize, maxPages = 100, 30
	// maxPaths and maxPathBytes are where reading ends all the same.
	maxPaths, maxPathBytes = 10_000, 1 << 20
)

// caller sends requests to one host.
type caller struct {
	provider    v1alpha1.Provider
	base        *url.URL
	http        *http.Client
	clock       clock.PassiveClock
	credentials credentials
	// forget drops a token that the host doesn't take. Nil: it isn't kept.
	forget func()
}

// ask is one request. Its path is escaped.
type ask struct {
	method, path string
	query        url.Values
	body         any
}

func get(path string, query url.Values) ask {
	return ask{method: http.MethodGet, path: path, query: query}
}

func post(path string, body any) ask { return ask{method: http.MethodPost, path: path, body: body} }

// do sends the request and reads the answer's JSON into a value, unless that is nil.
func (c *caller) do(ctx context.Context, a ask, into any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := c.request(ctx, a)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unreachable(ctx, a, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return c.unreachable(ctx, a, err)
	case response.StatusCode >= http.StatusMultipleChoices:
		return c.refused(a, response, body)
	case len(body) > maxBody:
		return &fault.Error{Reason: v1alpha1.ReasonRefused, Message: c.asked(a) + " is answered with more than 1 MiB", Cause: errLarge}
	case into == nil:
		return c.notAPage(a, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return c.strange(a, "with what isn't the JSON that is expected")
	}
	return nil
}

func (c *caller) request(ctx context.Context, a ask) (*http.Request, error) {
	to := c.base.JoinPath(a.path)
	to.RawQuery, to.Fragment = a.query.Encode(), ""
	var body io.Reader
	if a.body != nil {
		data, err := json.Marshal(a.body)
		if err != nil {
			return nil, fmt.Errorf("write a request to the git host: %w", err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, a.method, to.String(), body)
	if err != nil {
		return nil, errors.New("write a request to the git host: the address is malformed")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "kayci")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.provider == v1alpha1.ProviderGitHub {
		request.Header.Set("Accept", "application/vnd.github+json")
		request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	}
	c.credentials.authorize(c.provider, request.Header)
	return request, nil
}

// notAPage is for an answer whose content doesn't matter: something that isn't the API
// may answer with a page and without an error.
func (c *caller) notAPage(a ask, body []byte) error {
	if text := strings.TrimSpace(string(body)); strings.HasPrefix(text, "<") {
		return c.strange(a, "with a page")
	}
	return nil
}

// errLarge is why an answer wasn't read.
var errLarge = errors.New("the answer is too large")

// errElsewhere is why a redirect isn't followed.
var errElsewhere = errors.New("a redirect that isn't followed")

// stay refuses redirects that would take the token to another host, or make another
// request of this one.
func stay(request *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 3 || request.URL.Scheme != first.URL.Scheme || request.URL.Host != first.URL.Host || request.Method != first.Method {
		return errElsewhere
	}
	return nil
}
