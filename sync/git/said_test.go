package git_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/sync/git"
)

// demanding refuses a client that doesn't offer to speak as git itself does.
func demanding(capabilities ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					http.Error(w, err.Error(), http.StatusBadRequest)
					return
				}
				firstLine, _, _ := strings.Cut(string(body), "\n")
				for _, c := range capabilities {
					if !strings.Contains(firstLine+" ", " "+c+" ") {
						http.Error(w, "Expected capability "+c+" from the client", http.StatusBadRequest)
						return
					}
				}
				req.Body = io.NopCloser(bytes.NewReader(body))
			}
			next.ServeHTTP(w, req)
		})
	}
}

// TestServersThatAskForMore: what a server offers and git makes use of is offered
// back, though nothing depends on it.
func TestServersThatAskForMore(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	want := map[string]string{"a": noise(100 << 10)}
	r.commit("main", want)
	for _, capability := range []string{"multi_ack_detailed", "side-band-64k", "ofs-delta", "no-progress"} {
		req := request(t, r.serveHTTP(demanding(capability)), nil)
		_, tree, err := headAndCheckout(testContext(t), t, req)
		if diff := cmp.Diff(want, tree); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", capability, err, diff)
		}
	}
	// One that knows the older form alone.
	older := r.serveHTTP(func(next http.Handler) http.Handler {
		return demanding("multi_ack")(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			next.ServeHTTP(rewriter{w}, req)
		}))
	})
	if _, _, err := headAndCheckout(testContext(t), t, request(t, older, nil)); err != nil {
		t.Errorf("multi_ack: %v", err)
	}
	_, _, err := headAndCheckout(testContext(t), t, request(t, r.serveHTTP(demanding("telepathy")), nil))
	if err == nil || !strings.Contains(err.Error(), "the server says: Expected capability telepathy from the client") {
		t.Errorf("what isn't there: %v", err)
	}
}

// rewriter hides multi_ack_detailed, in as many bytes.
type rewriter struct{ http.ResponseWriter }

func (w rewriter) Write(p []byte) (int, error) {
	return w.ResponseWriter.Write(bytes.ReplaceAll(p, []byte("multi_ack_detailed"), []byte("multi_ack_foretold")))
}

// TestServersOwnWords: a refusal's sentence is shown, without what it might do to
// a terminal and without what was sent.
func TestServersOwnWords(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	const refused = "the server refused the credentials, or asks for some"
	tests := map[string]struct {
		status     int
		kind, body string
		auth       map[string][]byte
		want       string
	}{
		"text":                       {403, "text/plain; charset=utf-8", "The repository is archived.\nMore of it", nil, refused + "; the server says: The repository is archived."},
		"json":                       {401, "application/json", `{"id":1,"message":"TF400813: the user is not authorized","typeKey":"x"}`, nil, refused + "; the server says: TF400813: the user is not authorized"},
		"an error in json":           {403, "application/json", `{"error":"insufficient_scope"}`, nil, refused + "; the server says: insufficient_scope"},
		"a page":                     {403, "text/html", "<html>no</html>", nil, refused},
		"a page that hides":          {403, "text/plain", "<!doctype html>", nil, refused},
		"nothing":                    {403, "text/plain", "", nil, refused},
		"control characters":         {403, "text/plain", "a\x1b[31mb\u009bc\u202ed\x00e", nil, refused + "; the server says: a [31mb c d e"},
		"too much":                   {403, "text/plain", strings.Repeat("x", 5000), nil, refused + "; the server says: " + strings.Repeat("x", 199) + "…"},
		"not found":                  {404, "text/plain", "no such project", nil, "the server knows no such repository, or these credentials may not see it; the server says: no such project"},
		"the password":               {403, "text/plain", "no: " + canary, map[string][]byte{"username": []byte("u"), "password": []byte(canary)}, refused + "; the server says: (withheld: it repeats a credential)"},
		"the password, at the limit": {403, "text/plain", strings.Repeat("x", 195) + canary, map[string][]byte{"username": []byte("u"), "password": []byte(canary)}, refused + "; the server says: (withheld: it repeats a credential)"},
		"a password that is short":   {403, "text/plain", "no: hub", map[string][]byte{"username": []byte("u"), "password": []byte("hub")}, refused + "; the server says: (withheld: it repeats a credential)"},
		"the token":                  {403, "text/plain", "Bearer " + canary, map[string][]byte{"bearerToken": []byte(canary + "\n")}, refused + "; the server says: (withheld: it repeats a credential)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := r.serveHTTP(func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", test.kind)
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, test.body)
				})
			})
			_, err := git.Head(testContext(t), request(t, url, test.auth))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff("list the references of "+url+": "+test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWeakPassphraseIsNotGivenAway: a text with a gap would tell which word is
// missing. A passphrase is sent to nobody, so no text can repeat it.
func TestWeakPassphraseIsNotGivenAway(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	keys := newSSHKeys(t)
	address := r.serveSSH(keys)
	errorWith := func(passphrase string) string {
		auth := keys.secret(address)
		auth["password"] = []byte(passphrase)
		_, err := git.Head(testContext(t), request(t, r.sshURL(address)+"-gone", auth))
		if err == nil {
			t.Fatal("no error")
		}
		return err.Error()
	}
	for _, passphrase := range []string{"git", "acme", "server", "o"} {
		if diff := cmp.Diff(errorWith("another"), errorWith(passphrase)); diff != "" {
			t.Errorf("%s (-other +got):\n%s", passphrase, diff)
		}
	}
}
