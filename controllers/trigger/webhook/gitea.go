package webhook

import "net/http"

// gitea signs the body with HMAC-SHA256, and so does Forgejo under the same
// header. Both also send GitHub's and Gogs' headers, which don't count here.
type gitea struct{}

func (gitea) claimed(header http.Header) bool {
	return header.Get("X-Gitea-Signature") != ""
}

func (gitea) authentic(header http.Header, proof proof) bool {
	return proof.signedHex(header.Get("X-Gitea-Signature"))
}

func (gitea) event(header http.Header) string { return header.Get("X-Gitea-Event") }

// delivery goes by the body. What Gitea sends again, when a person asks for that, has
// the same body and another X-Gitea-Delivery, which isn't signed either.
func (gitea) delivery(_ http.Header, body []byte) string { return sumID(body) }

func (gitea) payload(_ http.Header, body []byte) ([]byte, error) { return body, nil }
