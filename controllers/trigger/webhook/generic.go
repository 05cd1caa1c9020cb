package webhook

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
)

// generic is any program that knows the token, which it sends as a bearer token or as
// the password of basic authentication: some can't set a header, but take an address
// with a user and a password.
type generic struct{}

func (generic) claimed(header http.Header) bool {
	return header.Get("Authorization") != ""
}

func (generic) authentic(header http.Header, proof proof) bool {
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	_, password, basic := (&http.Request{Header: header}).BasicAuth()
	if basic {
		token = password
	}
	return proof.knows(token) && (basic || strings.EqualFold(scheme, "Bearer"))
}

func (generic) event(http.Header) string { return "" }

// delivery is the caller's Idempotency-Key. Without one each request is a
// delivery of its own: a person who starts a pipeline twice means it.
func (generic) delivery(header http.Header, _ []byte) string {
	if id := header.Get("Idempotency-Key"); id != "" {
		return tidyID(id)
	}
	return rand.Text()
}

// payload is the object of parameters; an empty body is one without any.
func (generic) payload(_ http.Header, body []byte) ([]byte, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return []byte("{}"), nil
	}
	return body, nil
}
