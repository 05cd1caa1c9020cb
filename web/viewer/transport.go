package viewer

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
)

// errNobody stops a request that nobody has asked for.
var errNobody = errors.New("a request to the API server without a viewer is not sent")

// Transport makes each request as the viewer of its context. One without a viewer
// isn't sent: there is no account of the page's own to send it as. Own is the token by
// which the page acts for a Person, and counts for nothing else. nil: it acts for nobody.
func Transport(own func() (string, error), next http.RoundTripper) http.RoundTripper {
	return &transport{own: own, next: next}
}

type transport struct {
	own  func() (string, error)
	next http.RoundTripper
}

// RoundTrip sends the request.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	v, ok := From(r.Context())
	if ok && v.Local {
		return t.next.RoundTrip(r)
	}
	token, err := t.token(v)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	for name := range r.Header {
		if strings.HasPrefix(strings.ToLower(name), "impersonate-") {
			delete(r.Header, name)
		}
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if v.As != nil {
		r.Header.Set(authenticationv1.ImpersonateUserHeader, v.As.User)
		r.Header[authenticationv1.ImpersonateGroupHeader] = v.As.Groups
	}
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := refused(v, answer); err != nil {
		_ = answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// token is what the viewer's requests carry: the viewer's own, or the page's if it says
// for whom it acts.
func (t *transport) token(v *Viewer) (string, error) {
	switch {
	case v == nil, v.Token == "" && v.As == nil, v.Token != "" && v.As != nil, v.As != nil && t.own == nil:
		return "", errNobody
	case v.As == nil:
		return v.Token, nil
	}
	if err := v.As.Check(); err != nil {
		return "", fmt.Errorf("act for a viewer: %w", err)
	}
	token, err := t.own()
	if err != nil {
		return "", &OwnError{Err: err}
	}
	return token, nil
}

// TokenFile reads a token, each time: tokens are replaced.
func TokenFile(file string) func() (string, error) {
	return func() (string, error) {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		token, ok := CleanToken(string(data))
		if !ok {
			return "", fmt.Errorf("%s holds no token", file)
		}
		return token, nil
	}
}
