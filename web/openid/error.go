package openid

import (
	"errors"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/kayci/kayci/api/printable"
)

// maxSaid bounds what a provider's words may take of a page or of the log.
const maxSaid = 300

// Error says why somebody couldn't be signed in.
type Error struct {
	// Status of the answer.
	Status int
	// Text is for who wanted to sign in.
	Text string
	// cause is for the log. nil: it is the viewer's own doing.
	cause error
}

// Error returns what is for the log.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Text
	}
	return printable.CutMiddle(printable.Text(e.cause.Error()), maxSaid)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Logged reports whether who runs the page should know of it.
func (e *Error) Logged() bool { return e.cause != nil }

func (p *Provider) down(cause error) error {
	return &Error{
		Status: http.StatusBadGateway, cause: cause,
		Text: p.host + " doesn't answer as an OpenID Connect provider. Try again in a moment; the page's log says more.",
	}
}

// elsewhere is the answer to who comes back without having been sent.
func (p *Provider) elsewhere() error {
	return &Error{
		Status: http.StatusBadRequest,
		Text:   "This sign-in was begun in another browser or at another address, is over already, or took more than ten minutes. Begin again, at " + p.External + ".",
	}
}

func (p *Provider) refused(code, description string) error {
	text := p.host + " doesn't sign you in: " + code
	if description != "" {
		text += ": " + description
	}
	return &Error{Status: http.StatusForbidden, Text: printable.Cut(printable.Text(text), maxSaid)}
}

// noToken is the answer if a code was exchanged in vain. What else the provider has
// written isn't shown: it may repeat the request, and what is secret in it.
func (p *Provider) noToken(err error) error {
	cause := err
	if said, is := errors.AsType[*oauth2.RetrieveError](err); is {
		cause = errors.New("exchange a code: " + said.Response.Status + " " + said.ErrorCode + " " + said.ErrorDescription)
	}
	return &Error{
		Status: http.StatusBadGateway, cause: cause,
		Text: p.host + " has given no token. Sign in again; the page's log says more.",
	}
}

// badPerson is the answer to whom the page acts for nobody as.
func (p *Provider) badPerson(cause error) error {
	text := p.host + " has signed you in as somebody whom this page can't act for: " + cause.Error() + "."
	return &Error{Status: http.StatusForbidden, Text: printable.Cut(printable.Text(text), maxSaid)}
}

func (p *Provider) badToken(cause error) error {
	return &Error{
		Status: http.StatusBadGateway, cause: cause,
		Text: p.host + " has given a token that doesn't count. Sign in again; the page's log says more.",
	}
}
