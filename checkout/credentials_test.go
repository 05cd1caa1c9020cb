package checkout_test

import (
	"encoding/pem"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kayci/kayci/checkout/plan"
	"github.com/kayci/kayci/test/githost"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "private/web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	for name, keys := range map[string]map[string]string{
		"username and password": {"username": username + "\n", "password": password + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := trial{input: plan.Input{URL: repository.URL, SHA: commit, Depth: 1, PlainHTTP: true, Host: host.Address}, secret: secretOf(t, keys)}.run(t)
			if got.err != nil || got.commit != commit {
				t.Fatalf("%s, %v\n%s", got.commit, got.err, got.out)
			}
			holdsNoCanary(t, got)
		})
	}
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	guarded := &recorder{next: proxyTo(host.Address), wants: "Bearer canary-token"}
	server := httptest.NewServer(guarded)
	t.Cleanup(server.Close)
	input := plan.Input{URL: server.URL + "/web.git", SHA: commit, Depth: 1, PlainHTTP: true}
	got := trial{input: input, secret: secretOf(t, map[string]string{"bearerToken": "canary-token\n"})}.run(t)
	if got.err != nil || got.commit != commit {
		t.Fatalf("%s, %v\n%s", got.commit, got.err, got.out)
	}
	holdsNoCanary(t, got)
	trial{input: input, secret: secretOf(t, map[string]string{"bearerToken": "canary-other"})}.run(t).mustFail(t, "refused the credentials")
}

// holdsNoCanary looks for a credential in everything that a checkout has left.
func holdsNoCanary(t *testing.T, got outcome) {
	t.Helper()
	looked := 0
	err := filepath.WalkDir(got.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		looked++
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), "canary") {
			t.Errorf("%s holds a credential:\n%s", path, content)
		}
		return err
	})
	if err != nil || looked < 5 {
		t.Errorf("looked at %d files: %v", looked, err)
	}
	if strings.Contains(got.out, "canary") {
		t.Errorf("the output holds a credential:\n%s", got.out)
	}
}

// recorder keeps what clients prove themselves with, and lets only some in.
type recorder struct {
	next  http.Handler
	wants string

	mu    sync.Mutex
	calls int
	heard []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := req.Header.Get("Authorization")
	r.calls++
	if got != "" {
		r.heard = append(r.heard, got)
	}
	if r.wants != "" && got != r.wants {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		// A careless server repeats what it was told.
		http.Error(w, "refused "+got, http.StatusUnauthorized)
		return
	}
	r.next.ServeHTTP(w, req)
}

// Whoever answers for the host may send the client elsewhere, and the credentials
// don't go there.
func TestCredentialsFollowNoRedirect(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]map[string]string{
		"password": {"username": username, "password": password},
		"token":    {"bearerToken": "canary-token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			thief := &recorder{wants: "nothing that anybody has", next: http.NotFoundHandler()}
			elsewhere := httptest.NewServer(thief)
			t.Cleanup(elsewhere.Close)
			wants := "Basic a2F5Y2k6Y2FuYXJ5LXBAc3Mvd29yZA=="
			if name == "token" {
				wants = "Bearer canary-token"
			}
			trusted := &recorder{wants: wants, next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+r.URL.RequestURI(), http.StatusFound)
			})}
			server := httptest.NewServer(trusted)
			t.Cleanup(server.Close)
			trial{
				input:  plan.Input{URL: server.URL + "/web.git", SHA: "main", Depth: 1, PlainHTTP: true},
				secret: secretOf(t, keys),
			}.run(t).mustFail(t)
			if len(trusted.heard) == 0 {
				t.Error("the host itself got no credentials")
			}
			if len(thief.heard) > 0 {
				t.Errorf("the other host got %q", thief.heard)
			}
			if name == "password" && thief.calls == 0 {
				t.Error("the redirect was not followed")
			}
		})
	}
}

// A URL comes from an event, and the credentials don't go where it says.
func TestCredentialsAreForOneHost(t *testing.T) {
	t.Parallel()
	thief := &recorder{wants: "nothing that anybody has", next: http.NotFoundHandler()}
	server := httptest.NewServer(thief)
	t.Cleanup(server.Close)
	trial{
		input:  plan.Input{URL: server.URL + "/web.git", SHA: "main", Depth: 1, Host: "git.example.com", PlainHTTP: true},
		secret: secretOf(t, map[string]string{"username": username, "password": password}),
	}.run(t).mustFail(t, "the credentials are for git.example.com: they are not sent to another")
	if thief.calls > 0 {
		t.Errorf("the other host was asked %d times", thief.calls)
	}
}

// A host whose certificate an authority of one's own has signed.
func TestAuthority(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "private/web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	server := httptest.NewTLSServer(proxyTo(host.Address))
	t.Cleanup(server.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	input := plan.Input{URL: server.URL + "/private/web.git", SHA: commit, Depth: 1}
	keys := map[string]string{"username": username, "password": password}
	trial{input: input, secret: secretOf(t, keys)}.run(t).mustFail(t, "doesn't prove to be the host that is trusted: see ca.crt")
	keys["ca.crt"] = authority
	got := trial{input: input, secret: secretOf(t, keys)}.run(t)
	if got.err != nil || got.commit != commit {
		t.Errorf("%s, %v\n%s", got.commit, got.err, got.out)
	}
}

func TestSSH(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	repository := create(t, host, "private/web")
	commit := push(t, repository, map[string]string{"a.txt": "one"})
	server, other := startSSH(t, host), startSSH(t, host)
	keys := map[string]string{"identity": server.Identity, "known_hosts": server.KnownHosts}
	t.Run("with the key", func(t *testing.T) {
		t.Parallel()
		for _, sha := range []string{commit, "main"} {
			got := trial{input: plan.Input{URL: server.URL("private/web"), SHA: sha, Depth: 1, Host: server.Address}, secret: secretOf(t, keys)}.run(t)
			if got.err != nil || got.commit != commit {
				t.Errorf("%s, %v\n%s", got.commit, got.err, got.out)
			}
		}
	})
	for name, tt := range map[string]struct {
		keys map[string]string
		url  string
		want []string
	}{
		"another key":          {map[string]string{"identity": other.Identity, "known_hosts": server.KnownHosts}, server.URL("private/web"), []string{"refused the credentials", "the server refused the key"}},
		"another host's key":   {map[string]string{"identity": server.Identity, "known_hosts": strings.ReplaceAll(other.KnownHosts, port(other), port(server))}, server.URL("private/web"), []string{"doesn't prove to be the host that is trusted", "known_hosts"}},
		"no such repository":   {keys, server.URL("private/none"), []string{"knows no repository"}},
		"an unknown host":      {map[string]string{"identity": server.Identity, "known_hosts": other.KnownHosts}, server.URL("private/web"), []string{"doesn't prove to be the host that is trusted", "known_hosts"}},
		"without known_hosts":  {map[string]string{"identity": server.Identity}, server.URL("private/web"), []string{"ssh:// needs a Secret with the keys identity and known_hosts"}},
		"a key that isn't one": {map[string]string{"identity": "canary", "known_hosts": server.KnownHosts}, server.URL("private/web"), []string{"identity is no private key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial{input: plan.Input{URL: tt.url, SHA: "main", Depth: 1}, secret: secretOf(t, tt.keys)}.run(t).mustFail(t, tt.want...)
		})
	}
}

func port(s *githost.SSH) string { return s.Address[strings.LastIndex(s.Address, ":")+1:] }

func startSSH(t *testing.T, host *githost.Host) *githost.SSH {
	t.Helper()
	server, err := host.StartSSH(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}
