package viewer

import "net/http"

// Anonymous takes whoever hasn't signed in for the account whose token is in a file.
type Anonymous struct {
	// File holds the token. It is read each time: tokens are replaced.
	File string
}

// Of returns the account's viewer.
func (a Anonymous) Of(*http.Request) (*Viewer, error) {
	token, err := TokenFile(a.File)()
	if err != nil {
		return nil, &OwnError{Anonymous: true, Err: err}
	}
	return &Viewer{Token: token, Anonymous: true}, nil
}
