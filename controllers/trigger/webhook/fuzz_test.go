package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// FuzzProofs checks that what nobody has made of the token proves nothing.
func FuzzProofs(f *testing.F) {
	for _, seed := range []string{
		"sha256=", "sha256=00", "Bearer ", "Basic ", "Basic Og==", "v1,", "v1, v1,AA==", "whsec_", "token", "SHA256=zz", "\x00",
		basic("a:b"), "sha1=" + strings.Repeat("0", 40), "sha256=" + strings.Repeat("0", 64),
	} {
		f.Add(seed, seed, []byte("{}"))
	}
	f.Fuzz(func(t *testing.T, value, id string, body []byte) {
		for _, provider := range v1alpha1.Providers() {
			for _, name := range proofs() {
				header := http.Header{}
				header.Set(name, value)
				header.Set(signedIDHeader, id)
				proof := newProof([]byte(canary), header, body)
				if proves(provider, header, proof) && !containsProof(value, proof) {
					t.Errorf("%s: %q is taken of %s", name, value, provider)
				}
			}
		}
	})
}

// containsProof reports whether the text has the token, or what only who knows it can make.
func containsProof(text string, p proof) bool {
	_, password, _ := (&http.Request{Header: http.Header{"Authorization": {text}}}).BasicAuth()
	return strings.Contains(text, string(p.token)) || password == string(p.token) ||
		p.mac != nil && strings.Contains(strings.ToLower(text), hex.EncodeToString(p.mac)) ||
		p.standard != nil && strings.Contains(text, base64.StdEncoding.EncodeToString(p.standard))
}

// FuzzRead checks that whatever comes, with whichever headers, is read or refused, and
// that each of its events has a name of its own.
func FuzzRead(f *testing.F) {
	for _, tt := range providerCases(f) {
		f.Add("push", tt.request.header["Content-Type"], []byte(tt.request.body))
	}
	f.Add("repo:push", "application/json", []byte(payload(f, "bitbucket-push-many")))
	f.Add("Merge Request Hook", "application/x-www-form-urlencoded", []byte("payload=%7B%7D&payload=%zz"))
	f.Fuzz(func(t *testing.T, event, contentType string, body []byte) {
		for _, provider := range v1alpha1.Providers() {
			header := http.Header{}
			header.Set("Content-Type", contentType)
			for _, name := range []string{"X-GitHub-Event", "X-Gitlab-Event", "X-Gitea-Event", "X-Event-Key"} {
				header.Set(name, event)
			}
			all, err := readDelivery(t.Context(), newMemory(readPatience), provider, received{header, body})
			ids := map[string]bool{}
			for i := range all {
				ids[all[i].id] = true
			}
			if err == nil && len(all) == 0 || len(ids) != len(all) {
				t.Errorf("%s: %d events have %d names, %v", provider, len(all), len(ids), err)
			}
		}
	})
}
