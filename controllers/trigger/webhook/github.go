package webhook

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// github signs the body with HMAC-SHA256. Its older SHA-1 header is not taken.
type github struct{}

func (github) claimed(header http.Header) bool {
	return header.Get("X-Hub-Signature-256") != ""
}

func (github) authentic(header http.Header, proof proof) bool {
	signature, ok := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	return proof.signedHex(signature) && ok
}

func (github) event(header http.Header) string { return header.Get("X-GitHub-Event") }

func (github) delivery(header http.Header, body []byte) string {
	return deliveryID(header, body, "X-GitHub-Delivery")
}

// payload reads both content types that GitHub offers; the form is the one it
// suggests.
func (github) payload(header http.Header, body []byte) ([]byte, error) {
	if kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return body, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	if !form.Has("payload") {
		return nil, errors.New("read the form: it has no field named payload")
	}
	return []byte(form.Get("payload")), nil
}
