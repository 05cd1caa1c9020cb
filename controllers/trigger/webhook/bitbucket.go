package webhook

import (
	"net/http"
	"strings"
)

// bitbucket signs the body with HMAC-SHA256, as the Cloud and Data Center do. GitHub
// and Gitea send a header of the same name with SHA-1, which doesn't count.
type bitbucket struct {
	// deliveries are named by this header.
	deliveries string
}

const (
	bitbucketSignature = "X-Hub-Signature"
	bitbucketAlgorithm = "sha256="
)

func bitbucketCloud() bitbucket { return bitbucket{deliveries: "X-Request-UUID"} }

func bitbucketDataCenter() bitbucket { return bitbucket{deliveries: "X-Request-Id"} }

func (bitbucket) claimed(header http.Header) bool {
	return strings.HasPrefix(header.Get(bitbucketSignature), bitbucketAlgorithm)
}

func (bitbucket) authentic(header http.Header, proof proof) bool {
	signature, ok := strings.CutPrefix(header.Get(bitbucketSignature), bitbucketAlgorithm)
	return proof.signedHex(signature) && ok
}

func (bitbucket) event(header http.Header) string { return header.Get("X-Event-Key") }

func (b bitbucket) delivery(header http.Header, body []byte) string {
	return deliveryID(header, body, b.deliveries)
}

func (bitbucket) payload(_ http.Header, body []byte) ([]byte, error) { return body, nil }
