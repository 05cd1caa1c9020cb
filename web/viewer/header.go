package viewer

import (
	"net/http"
	"strings"
)

// Header knows viewers by the token that an authenticating proxy in front of the page
// sends along.
type Header struct{}

// Of returns the viewer whose token stands in the header Authorization.
func (Header) Of(r *http.Request) (*Viewer, error) {
	token, ok := bearer(r.Header.Get("Authorization"))
	if !ok {
		return nil, ErrSignIn
	}
	return &Viewer{Token: token}, nil
}

func bearer(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return CleanToken(token)
}

// CleanToken returns the token without the blanks that come along when it is pasted,
// and whether it can be one.
func CleanToken(token string) (string, bool) {
	token = strings.TrimSpace(token)
	if token == "" || len(token) > MaxToken {
		return "", false
	}
	for _, c := range token {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	return token, true
}
