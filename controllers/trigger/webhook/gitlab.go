package webhook

import (
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"strings"
)

// gitlab sends its secret token as it is. Newer versions can sign instead, as
// Standard Webhooks has it: an HMAC-SHA256 over id, time and body.
type gitlab struct{}

// Headers of a signed delivery.
const (
	signatureHeader = "Webhook-Signature"
	signedIDHeader  = "Webhook-Id"
	signedAtHeader  = "Webhook-Timestamp"
)

// signingPrefix marks a signing token: the key in base64 follows.
const signingPrefix = "whsec_"

func (gitlab) authentic(header http.Header, proof proof) bool {
	knows := proof.knows(header.Get("X-Gitlab-Token"))
	signed := signedStandard(header, proof)
	return knows || signed
}

// signedStandard takes any of several signatures: there are two while a key is
// being replaced. The time that is signed isn't looked at, as a delivery that is
// sent again starts nothing.
func signedStandard(header http.Header, proof proof) bool {
	signatures := strings.Fields(header.Get(signatureHeader))
	if len(signatures) == 0 {
		return false
	}
	key := proof.token
	if encoded, ok := strings.CutPrefix(string(proof.token), signingPrefix); ok {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return false
		}
		key = decoded
	}
	head := header.Get(signedIDHeader) + "." + header.Get(signedAtHeader) + "."
	want := mac(key, []byte(head), proof.body)
	for _, signature := range signatures {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		given, err := base64.StdEncoding.DecodeString(encoded)
		if ok && err == nil && hmac.Equal(given, want) {
			return true
		}
	}
	return false
}

func (gitlab) event(header http.Header) string { return header.Get("X-Gitlab-Event") }

// delivery prefers the id that is signed, then the one that stays the same when
// GitLab tries again.
func (gitlab) delivery(header http.Header, body []byte) string {
	return deliveryID(header, body, signedIDHeader, "Idempotency-Key", "X-Gitlab-Event-UUID")
}

func (gitlab) payload(_ http.Header, body []byte) ([]byte, error) { return body, nil }
