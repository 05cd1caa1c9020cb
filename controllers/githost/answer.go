package githost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

const (
	// maxWords bounds what is shown of a host's own words.
	maxWords = 200
	// withheld stands for words that repeat a credential.
	withheld = "(withheld: it repeats a credential)"
	// minWait and maxWait bound how long a host can have KayCI wait, and usualWait is
	// for one that doesn't say how long.
	minWait, usualWait, maxWait = time.Second, time.Minute, time.Hour
)

// statusError is the cause of an error that a host has answered with.
type statusError struct {
	code  int
	words string
}

func (e *statusError) Error() string { return strconv.Itoa(e.code) + " " + e.words }

// answered returns the host's answer that the error comes from, or nil.
func answered(err error) *statusError {
	found, _ := errors.AsType[*statusError](err)
	return found
}

// worldError keeps its cause out of its text: that has the host's words already.
type worldError struct {
	text  string
	cause error
}

func (e *worldError) Error() string { return e.text }
func (e *worldError) Unwrap() error { return e.cause }

// refused sorts an answer that is an error.
func (c *caller) refused(a ask, response *http.Response, body []byte) error {
	code := response.StatusCode
	said := &statusError{code, c.words(body)}
	text := c.says(a, said)
	if after, limited := c.limited(response, said.words); limited {
		return &fault.WaitError{
			Reason: v1alpha1.ReasonRateLimited, After: after,
			Message: text + "; the host takes more requests in " + printable.Duration(after.Round(time.Second)),
		}
	}
	person := func(reason, todo string) error {
		return &fault.Error{Reason: reason, Message: text + "; " + todo, Cause: said}
	}
	if c.forget != nil && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
		c.forget()
	}
	switch code {
	case http.StatusUnauthorized:
		return person(v1alpha1.ReasonAuthenticationFailed, "the token isn't known or is no longer valid: put another into the Secret")
	case http.StatusForbidden:
		return person(v1alpha1.ReasonForbidden, "the token lacks a permission: docs/reporting.md says which it takes")
	case http.StatusNotFound, http.StatusGone:
		return person(v1alpha1.ReasonNotFound, "there is no such thing, or the token may not see it")
	}
	switch {
	case code < http.StatusBadRequest:
		return person(v1alpha1.ReasonInvalidURL, "the token doesn't follow a redirect to another host: correct the address of the API")
	case code < http.StatusInternalServerError && code != http.StatusRequestTimeout && code != http.StatusConflict:
		return person(v1alpha1.ReasonRefused, "it will not be asked again for this")
	}
	return &worldError{text, said}
}

// limited returns how long a host that is asked too often wants to be left alone.
func (c *caller) limited(response *http.Response, said string) (time.Duration, bool) {
	header := response.Header
	after, told := c.retryAfter(header)
	switch response.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusServiceUnavailable:
		if !told {
			return 0, false
		}
	case http.StatusForbidden:
		if !told && header.Get("X-RateLimit-Remaining") != "0" && !strings.Contains(strings.ToLower(said), "rate limit") {
			return 0, false
		}
	default:
		return 0, false
	}
	if !told {
		after = usualWait
		for _, name := range []string{"X-RateLimit-Reset", "RateLimit-Reset"} {
			if at, err := strconv.ParseInt(header.Get(name), 10, 64); err == nil {
				after = time.Unix(at, 0).Sub(c.clock.Now())
			}
		}
	}
	return min(max(after, minWait), maxWait), true
}

func (c *caller) retryAfter(header http.Header) (time.Duration, bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return at.Sub(c.clock.Now()), true
	}
	return 0, false
}

// unreachable sorts an error without an answer. It is the world's, but where somebody
// sends the token elsewhere.
func (c *caller) unreachable(ctx context.Context, a ask, err error) error {
	if errors.Is(err, errElsewhere) {
		return fault.New(v1alpha1.ReasonInvalidURL, c.asked(a)+" is answered by a redirect to another host or request, which the token doesn't follow: correct the address of the API")
	}
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &worldError{c.asked(a) + " has no answer in time", context.DeadlineExceeded}
	}
	// Its own text has the address, which is said already, and with it perhaps more.
	if from, is := errors.AsType[*url.Error](err); is {
		err = from.Err
	}
	return &worldError{c.asked(a) + ": " + c.hide(err.Error()), err}
}

// strange is the error for an answer that a host's API wouldn't give.
func (c *caller) strange(a ask, how string) error {
	return fault.New(v1alpha1.ReasonInvalidURL, c.asked(a)+" is answered "+how+": is this the address of the host's API?")
}

// says repeats what the host has answered.
func (c *caller) says(a ask, said *statusError) string {
	text := fmt.Sprintf("%s is answered with %d", c.asked(a), said.code)
	if said.words != "" {
		text += ": " + said.words
	}
	return text
}

// asked names a request. Its path has names of others, which were checked.
func (c *caller) asked(a ask) string {
	return printable.Text(a.method + " " + c.base.Host + c.base.JoinPath(a.path).EscapedPath())
}

// hide returns a host's words in one line, without what they may not repeat. Cut
// before, a credential at the end would not be known again.
func (c *caller) hide(text string) string {
	if slices.ContainsFunc(c.credentials.secrets(), func(secret string) bool { return secret != "" && strings.Contains(text, secret) }) {
		return withheld
	}
	return printable.Cut(printable.Text(strings.Join(strings.Fields(text), " ")), maxWords)
}

// words returns a host's own for an error. Pages are for browsers.
func (c *caller) words(body []byte) string {
	var answer struct {
		Message          any                        `json:"message"`
		Error            any                        `json:"error"`
		ErrorDescription string                     `json:"error_description"`
		Errors           []struct{ Message string } `json:"errors"`
	}
	// Fields of another type are left out, and don't matter.
	_ = json.Unmarshal(body, &answer)
	found := []string{sentence(answer.Message), sentence(answer.Error), answer.ErrorDescription}
	for _, each := range answer.Errors {
		found = append(found, each.Message)
	}
	found = slices.DeleteFunc(found, func(text string) bool { return strings.TrimSpace(text) == "" })
	return c.hide(strings.Join(found, "; "))
}

// sentence is a value that is a text, or an object with the text, as GitLab's and
// Bitbucket's are.
func sentence(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		if message, is := value["message"].(string); is {
			return message
		}
	default:
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}
