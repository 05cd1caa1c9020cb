package webhook

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/expr"
)

// signedAgain is the request with another body, by a sender who knows the token.
func (tt providerCase) signedAgain(body string) request {
	again := request{path: "/hooks/ci/web-push", body: body, header: maps.Clone(tt.request.header)}
	for name, value := range map[string]string{
		"X-Hub-Signature-256": "sha256=" + sign(canary, body),
		"X-Hub-Signature":     "sha256=" + sign(canary, body),
		"X-Gitea-Signature":   sign(canary, body),
		"Webhook-Signature":   "v1," + base64.StdEncoding.EncodeToString(mac([]byte(canary), []byte("d1.1777886091."), []byte(body))),
	} {
		if _, ok := again.header[name]; ok {
			again.header[name] = value
		}
	}
	return again
}

// bomb is small, and unpacks to 64 MiB of spaces in an object.
func bomb(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for _, part := range [][]byte{[]byte("{"), bytes.Repeat([]byte(" "), 64<<20), []byte("}")} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// TestHostileBodies: whoever knows a token can still do no more than be refused, whichever
// provider it is. Nothing that is packed is unpacked.
func TestHostileBodies(t *testing.T) {
	const limit = 1 << 20
	bodies := map[string]string{
		"one byte more than may be": "{" + strings.Repeat(" ", limit-1) + "}",
		"nested deep":               `{"ref":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}",
		"nested deep, and cut off":  strings.Repeat(`{"ref":`, 100_000),
		"a bomb":                    bomb(t),
		"an endless text":           `{"ref": "` + strings.Repeat("a", 1000),
		"a list":                    "[]",
		"nothing of UTF-8":          "\xff\xfe{\x00}\x00",
	}
	for name, tt := range providerCases(t) {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{
				objects: objects(pipeline(), secret("hook", tt.token), trigger("web-push", tt.provider, withIf("body != {}"))),
				options: Options{MaxBytes: limit},
			})
			for what, body := range bodies {
				if tt.request.header["Content-Type"] == "application/x-www-form-urlencoded" {
					body = url.Values{"payload": {body}}.Encode()
				}
				want := http.StatusBadRequest
				if len(body) > limit {
					want = http.StatusRequestEntityTooLarge
				}
				request := tt.signedAgain(body)
				request.header["Content-Encoding"] = "gzip"
				if w := f.send(request); w.Code != want || strings.Contains(w.Body.String(), canary) {
					t.Errorf("%s: the answer is %d %s, want %d", what, w.Code, w.Body, want)
				}
			}
			if runs := f.runs(t); len(runs) > 0 || strings.Contains(f.log.String(), canary) {
				t.Errorf("there are Runs %+v, and the log says %s", runs, f.log)
			}
			if !f.memory.left.TryAcquire(expr.MaxWeight) {
				t.Error("memory is still taken")
			}
			expectUntaken(t, f.Server)
		})
	}
}
