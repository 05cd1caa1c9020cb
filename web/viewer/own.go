package viewer

import (
	"errors"
	"net/http"
)

// errRefused says what the API server has made of a token.
var errRefused = errors.New("the API server doesn't take it")

// OwnError says that a token which the page has for viewers fails. It is no fault of
// theirs, and no session is over by it.
type OwnError struct {
	// Anonymous says whose token it is: that of the account that who hasn't signed in
	// looks as, or else of the account by which the page acts for a Person.
	Anonymous bool
	Err       error
}

// Error names the token.
func (e *OwnError) Error() string {
	if e.Anonymous {
		return "the token of the anonymous account: " + e.Err.Error()
	}
	return "the token of the page's own account: " + e.Err.Error()
}

// Unwrap returns what is wrong with it.
func (e *OwnError) Unwrap() error { return e.Err }

// refused makes an error of the answer if it refuses a token that the viewer hasn't given.
func refused(v *Viewer, answer *http.Response) error {
	if answer.StatusCode != http.StatusUnauthorized || v.As == nil && !v.Anonymous {
		return nil
	}
	return &OwnError{Anonymous: v.Anonymous, Err: errRefused}
}
