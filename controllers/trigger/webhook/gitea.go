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

func (gitea) delivery(header http.Header, body []byte) string {
	return deliveryID(header, body, "X-Gitea-Delivery")
}

func (gitea) payload(_ http.Header, body []byte) ([]byte, error) { return body, nil }
