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

func (gitlab) claimed(header http.Header) bool {
	return header.Get("X-Gitlab-Token") != "" || header.Get(signatureHeader) != ""
}

func (gitlab) authentic(header http.Header, proof proof) bool {
	knows := proof.knows(header.Get("X-Gitlab-Token"))
	signed := signedStandard(header, proof)
	return knows || signed
}

// signedStandard takes any of several signatures: there are two while a key is
// being replaced. The time that is signed isn't looked at, as a delivery that is
// sent again starts nothing.
func signedStandard(header http.Header, proof proof) bool {
	for signature := range strings.FieldsSeq(header.Get(signatureHeader)) {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		given, err := base64.StdEncoding.DecodeString(encoded)
		if ok && err == nil && len(proof.standard) > 0 && hmac.Equal(given, proof.standard) {
			return true
		}
	}
	return false
}

// standardMAC signs as the holder of a signing token does, and with any other
// token as if that were the key. Of a token that holds no key there is none.
func standardMAC(token []byte, header http.Header, body []byte) []byte {
	if header.Get(signatureHeader) == "" {
		return nil
	}
	key, err := token, error(nil)
	if encoded, ok := strings.CutPrefix(string(token), signingPrefix); ok {
		key, err = base64.StdEncoding.DecodeString(encoded)
	}
	signed := mac(key, []byte(header.Get(signedIDHeader)+"."+header.Get(signedAtHeader)+"."), body)
	if err != nil || len(key) == 0 {
		return nil
	}
	return signed
}

func (gitlab) event(header http.Header) string { return header.Get("X-Gitlab-Event") }

// delivery prefers the id that is signed, then the one that stays the same when
// GitLab tries again.
func (gitlab) delivery(header http.Header, body []byte) string {
	return deliveryID(header, body, signedIDHeader, "Idempotency-Key", "X-Gitlab-Event-UUID")
}

func (gitlab) payload(_ http.Header, body []byte) ([]byte, error) { return body, nil }
