package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/web/limits"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// retryAfter is how many seconds who was turned away should wait.
const retryAfter = 10

// problem is what a viewer is told instead of what was asked for.
type problem struct {
	Status      int
	Title, Text string
	// Hint says what to do, if Text doesn't.
	Hint string
	// SignIn offers that.
	SignIn bool
}

// Error returns the problem in a line.
func (p *problem) Error() string { return p.Title + ": " + p.Text }

// signIn reports whether the error is that nobody is known to have asked.
func signIn(err error) bool {
	return errors.Is(err, viewer.ErrSignIn) || errors.Is(err, viewer.ErrExpired) || apierrors.IsUnauthorized(err)
}

// explain says in words what went wrong. Errors that say nothing to a viewer are told
// as such, and logged.
func (s *server) explain(r *http.Request, err error) *problem {
	var known *problem
	var status apierrors.APIStatus
	var unreachable *url.Error
	var network net.Error
	var own *viewer.OwnError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &own):
		s.Log.Error(err, "the page can't ask the API server for its viewers")
		return s.ofOwn(own)
	case signIn(err):
		return &problem{Status: http.StatusUnauthorized, Title: "Sign in", Text: signInText(err)}
	case errors.Is(err, limits.ErrViewer), errors.Is(err, limits.ErrProcess):
		return &problem{Status: http.StatusServiceUnavailable, Title: "Too many streams", Text: err.Error()}
	case errors.Is(err, context.DeadlineExceeded), apierrors.IsTimeout(err), errors.As(err, &network) && network.Timeout():
		return &problem{
			Status: http.StatusGatewayTimeout, Title: "The API server is slow",
			Text: "Kubernetes' API server has not answered within " + s.Patience.String() + ".", Hint: "Load the page again in a moment.",
		}
	case apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err):
		return &problem{Status: http.StatusServiceUnavailable, Title: "The API server is busy", Text: err.Error(), Hint: "Load the page again in a moment."}
	case errors.As(err, &status):
		return ofStatus(status.Status().Code, err)
	case errors.As(err, &unreachable):
		s.Log.Error(err, "the API server can't be reached")
		return &problem{
			Status: http.StatusBadGateway, Title: "The API server can't be reached",
			Text: "The page gets no connection to Kubernetes' API server.", Hint: "Load the page again in a moment. The page's log says more.",
		}
	}
	s.Log.Error(err, "a request could not be answered", "method", r.Method, "path", r.URL.Path)
	return &problem{Status: http.StatusInternalServerError, Title: "Something went wrong", Text: "The page's log says what.", Hint: "Load the page again in a moment."}
}

// ofOwn tells of a token that isn't the viewer's, and that who runs the page has to mend.
func (s *server) ofOwn(own *viewer.OwnError) *problem {
	p := &problem{
		Status: http.StatusBadGateway, Title: "The page can't act for you",
		Text: "The token of the page's own account can't be read, or the API server doesn't take it. That is no fault of yours, and signing in again doesn't mend it.",
		Hint: "Who runs the page has to see whether its service account is there, and what token is in the file of --oidc-impersonate-token-file. The page's log says more.",
	}
	if own.Anonymous {
		p.SignIn = s.Sessions != nil
		p.Title = "Nobody can look without signing in"
		p.Text = "The token of the account that who hasn't signed in looks as can't be read, or the API server doesn't take it."
		p.Hint = "Who runs the page has to see whether that account is there, and what token is in the file of --anonymous-token-file. The page's log says more."
	}
	return p
}

// ofStatus tells what the API server has said in its own words.
func ofStatus(code int32, err error) *problem {
	p := &problem{Status: int(code), Title: "The API server refuses", Text: err.Error()}
	switch {
	case apierrors.IsForbidden(err):
		p.Title, p.Hint = "You may not", "Ask who runs this cluster for that right. The help page lists the roles."
	case apierrors.IsNotFound(err):
		p.Title, p.Hint = "Not there", "It may have been deleted: Runs are, when newer ones take their place."
	case apierrors.IsConflict(err):
		p.Title, p.Hint = "It has changed meanwhile", "Load the page again to see how it is now."
	case code < 400 || code > 599:
		p.Status = http.StatusBadGateway
	}
	return p
}

func signInText(err error) string {
	switch {
	case errors.Is(err, viewer.ErrExpired):
		return "Your session is over."
	case apierrors.IsUnauthorized(err):
		return "The API server doesn't take your token, or takes it no longer."
	default:
		return "You have not signed in."
	}
}

// fail answers with a page about the error.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.explain(r, err)
	if p.Status == http.StatusUnauthorized && s.Sessions != nil {
		s.Sessions.SignOut(w, r)
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			secure.Redirect(w, r, s.signInPath(r.URL.RequestURI(), err))
			return
		}
	}
	p.header(w)
	s.render(w, r, p.Status, "problem", page{Title: p.Title, Body: p})
}

// signInPath is where who isn't known, or no longer, is led. Whose session by a provider
// is over goes there at once, who has a choice is asked.
func (s *server) signInPath(next string, err error) string {
	if errors.Is(err, viewer.ErrExpired) && s.OpenID != nil && !s.TokenSignIn && !s.Anonymous {
		return beginPath(onward(next))
	}
	return "/login?" + url.Values{"next": {next}, "why": {whyOf(err)}}.Encode()
}

func (p *problem) header(w http.ResponseWriter) {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
}

// failText answers with the error in a line: to scripts and programs.
func (s *server) failText(w http.ResponseWriter, r *http.Request, err error) {
	p := s.explain(r, err)
	p.header(w)
	w.Header().Set("Cache-Control", "no-store")
	text := p.Text
	if p.Hint != "" {
		text += " " + p.Hint
	}
	http.Error(w, text, p.Status)
}
