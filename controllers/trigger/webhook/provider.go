package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"

	"github.com/kayci/kayci/api/v1alpha1"
)

// provider is what differs between those that send webhooks, ahead of the
// meaning of their payloads.
type provider interface {
	// claimed reports whether the request has what this provider's proofs are in.
	claimed(header http.Header) bool
	// authentic reports whether the request proves that its sender knows the token.
	// It takes the same time wherever they differ.
	authentic(header http.Header, proof proof) bool
	// event is the provider's name of what happened.
	event(header http.Header) string
	// delivery identifies the request: the same when it is sent again.
	delivery(header http.Header, body []byte) string
	// payload is the JSON in the body.
	payload(header http.Header, body []byte) ([]byte, error)
}

func providerOf(name v1alpha1.Provider) (provider, bool) {
	switch name {
	case v1alpha1.ProviderGitHub:
		return github{}, true
	case v1alpha1.ProviderGitLab:
		return gitlab{}, true
	case v1alpha1.ProviderGitea:
		return gitea{}, true
	case v1alpha1.ProviderBitbucket:
		return bitbucketCloud(), true
	case v1alpha1.ProviderBitbucketServer:
		return bitbucketDataCenter(), true
	case v1alpha1.ProviderGeneric:
		return generic{}, true
	default:
		return nil, false
	}
}

// proof is what a request can be checked by, given a token.
type proof struct {
	token []byte
	// mac of the body, if the request claims to have one.
	mac []byte
	// standard is the MAC of Standard Webhooks, if the request claims to have one.
	standard []byte
}

func newProof(token []byte, header http.Header, body []byte) proof {
	p := proof{token: token, standard: standardMAC(token, header, body)}
	if signed(header) {
		p.mac = mac(token, body)
	}
	return p
}

func signed(header http.Header) bool {
	return github{}.claimed(header) || gitea{}.claimed(header) || bitbucket{}.claimed(header)
}

// hashed is how many bytes it takes to make a proof.
func hashed(from received) int64 {
	times := 0
	if signed(from.header) {
		times++
	}
	if from.header.Get(signatureHeader) != "" {
		times++
	}
	return int64(times * len(from.body))
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// signedHex compares a hexadecimal MAC. Upper case is as good as lower.
func (p proof) signedHex(signature string) bool {
	given, err := hex.DecodeString(signature)
	return err == nil && len(p.mac) > 0 && hmac.Equal(given, p.mac)
}

// knows compares a token that was sent in the clear. Hashing first makes the
// time independent of the length too.
func (p proof) knows(given string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256(p.token)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// maxDelivery is what fits the Run's origin.
const maxDelivery = 253

// deliveryID is the first header that is given. An id that doesn't fit, or that
// holds what no id has, is replaced by its hash; without any, the same body is
// the same delivery.
func deliveryID(header http.Header, body []byte, names ...string) string {
	for _, name := range names {
		if id := header.Get(name); id != "" {
			return tidyID(id)
		}
	}
	return sumID(body)
}

func sumID(of []byte) string {
	sum := sha256.Sum256(of)
	return "sha256-" + hex.EncodeToString(sum[:])
}

func tidyID(id string) string {
	plain := len(id) <= maxDelivery
	for _, r := range id {
		plain = plain && r > ' ' && r < 0x7f
	}
	if plain {
		return id
	}
	return sumID([]byte(id))
}
