package git_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/git"
)

// gate answers 503 while it is down.
func gate(mu *sync.Mutex, down *bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			mu.Lock()
			isDown := *down
			mu.Unlock()
			if isDown {
				http.Error(w, "down", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

func setGate(mu *sync.Mutex, down *bool, value bool) {
	mu.Lock()
	defer mu.Unlock()
	*down = value
}

const canary = "s3cr3t-canary-value"

// TestFaults: every fault has a reason, and none of the texts holds a secret.
func TestFaults(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("main", map[string]string{"a": "1"})
	emptyRepo := newRepository(t)
	keys, strangers := newSSHKeys(t), newSSHKeys(t)
	ssh := r.serveSSH(keys)
	closed := listen(t, func(net.Conn) {})
	echo := func(status int) string {
		return r.serveHTTP(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, req.Header.Get("Authorization")+" "+canary)
			})
		})
	}
	password := map[string][]byte{"username": []byte("user"), "password": []byte(canary)}
	bearer := map[string][]byte{"bearerToken": []byte(canary + "\n")}
	with := func(auth map[string][]byte, key, value string) map[string][]byte {
		out := map[string][]byte{key: []byte(value)}
		for k, v := range auth {
			if _, ok := out[k]; !ok {
				out[k] = v
			}
		}
		return out
	}
	strange := with(strangers.secret(ssh), "known_hosts", string(keys.secret(ssh)["known_hosts"]))
	plainURL := r.serveHTTP(plain)
	marker := filepath.Join(t.TempDir(), "marker")
	tests := map[string]struct {
		url       string
		ref       *v1alpha1.GitRef
		auth      map[string][]byte
		reason    git.Reason
		transient bool
	}{
		"wrong password":          {url: r.serveHTTP(basicAuth("user", "other")), auth: password, reason: git.ReasonAuthenticationFailed},
		"no password":             {url: r.serveHTTP(basicAuth("user", "other")), reason: git.ReasonAuthenticationFailed},
		"forbidden":               {url: echo(403), auth: bearer, reason: git.ReasonAuthenticationFailed},
		"server error":            {url: echo(500), auth: bearer, reason: git.ReasonFetchFailed, transient: true},
		"not git":                 {url: echo(200), auth: password, reason: git.ReasonFetchFailed, transient: true},
		"password without user":   {url: plainURL, auth: map[string][]byte{"password": []byte(canary)}, reason: git.ReasonInvalidSecret},
		"bad certificate":         {url: plainURL, auth: with(password, "ca.crt", canary), reason: git.ReasonInvalidSecret},
		"header injection":        {url: plainURL, auth: map[string][]byte{"bearerToken": []byte(canary + "\r\nX: y")}, reason: git.ReasonFetchFailed, transient: true},
		"no branch":               {url: plainURL, ref: &v1alpha1.GitRef{Branch: "gone"}, reason: git.ReasonRefNotFound},
		"no tag":                  {url: plainURL, ref: &v1alpha1.GitRef{Tag: "main"}, reason: git.ReasonRefNotFound},
		"empty repository":        {url: emptyRepo.serveHTTP(plain), reason: git.ReasonRefNotFound},
		"empty repository, git":   {url: emptyRepo.serveGit(), reason: git.ReasonRefNotFound},
		"no repository":           {url: strings.Replace(plainURL, "config", "gone", 1), reason: git.ReasonRepositoryNotFound},
		"no repository, git":      {url: strings.Replace(r.serveGit(), "config", "gone", 1), reason: git.ReasonRepositoryNotFound},
		"no repository, ssh":      {url: r.sshURL(ssh) + "-gone", auth: keys.secret(ssh), reason: git.ReasonRepositoryNotFound},
		"shell in the path":       {url: "ssh://git@" + ssh + "/x';touch%20" + marker + ";'", auth: keys.secret(ssh), reason: git.ReasonRepositoryNotFound},
		"ssh without Secret":      {url: r.sshURL(ssh), reason: git.ReasonInvalidSecret},
		"ssh without known_hosts": {url: r.sshURL(ssh), auth: map[string][]byte{"identity": keys.identity}, reason: git.ReasonInvalidSecret},
		"blank known_hosts":       {url: r.sshURL(ssh), auth: with(keys.secret(ssh), "known_hosts", "\n"), reason: git.ReasonInvalidSecret},
		"malformed known_hosts":   {url: r.sshURL(ssh), auth: with(keys.secret(ssh), "known_hosts", "x y z"), reason: git.ReasonInvalidSecret},
		"another server's key":    {url: r.sshURL(ssh), auth: with(keys.secret(ssh), "known_hosts", string(strangers.secret(ssh)["known_hosts"])), reason: git.ReasonAuthenticationFailed},
		"a stranger's identity":   {url: r.sshURL(ssh), auth: strange, reason: git.ReasonAuthenticationFailed},
		"malformed identity":      {url: r.sshURL(ssh), auth: with(keys.secret(ssh), "identity", canary), reason: git.ReasonInvalidSecret},
		"nobody listens":          {url: "http://" + closed + "/x", auth: password, reason: git.ReasonFetchFailed, transient: true},
		"server that hangs up":    {url: "git://" + closed + "/x", reason: git.ReasonFetchFailed, transient: true},
		"server hangs up, ssh":    {url: "ssh://" + closed + "/x", auth: keys.secret(closed), reason: git.ReasonFetchFailed, transient: true},
		"https to a plain server": {url: strings.Replace(plainURL, "http:", "https:", 1), auth: password, reason: git.ReasonFetchFailed, transient: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			req := request(t, test.url, test.auth)
			req.Ref = test.ref
			_, _, err := headAndCheckout(testContext(t), t, req)
			var fault *git.Error
			if !errors.As(err, &fault) {
				t.Fatalf("got %v", err)
			}
			if fault.Reason != test.reason || fault.Transient() != test.transient {
				t.Errorf("got reason %s, transient %v: %v", fault.Reason, fault.Transient(), err)
			}
			for _, secret := range []string{canary, "dXNlcjp", "PRIVATE KEY"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds a secret: %v", err)
				}
			}
		})
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the path of a URL was run by a shell")
	}
}

// TestRedirects: credentials stay with their host, and https is not left.
func TestRedirects(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	want := r.commit("main", map[string]string{"a": "1"})
	var mu sync.Mutex
	var leaked []string
	elsewhere := r.serveHTTP(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if value := req.Header.Get("Authorization"); value != "" {
				mu.Lock()
				leaked = append(leaked, value)
				mu.Unlock()
			}
			next.ServeHTTP(w, req)
		})
	})
	redirect := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, strings.TrimSuffix(elsewhere, "/acme/config.git")+req.URL.RequestURI(), http.StatusFound)
	})
	auth := map[string][]byte{"username": []byte("user"), "password": []byte(canary)}
	first := httptest.NewServer(redirect)
	defer first.Close()
	rev, _, err := headAndCheckout(testContext(t), t, request(t, first.URL+"/acme/config.git", auth))
	if err != nil || rev.Commit != want {
		t.Errorf("got %v, %v", rev, err)
	}
	secure := httptest.NewTLSServer(redirect)
	defer secure.Close()
	auth["ca.crt"] = certificate(secure)
	_, _, err = headAndCheckout(testContext(t), t, request(t, secure.URL+"/acme/config.git", auth))
	if err == nil || !strings.Contains(err.Error(), `changes scheme from "https" to "http"`) {
		t.Errorf("got %v", err)
	}
	if len(leaked) > 0 {
		t.Errorf("credentials were sent to another host: %q", leaked)
	}
}

// TestSilence: a server that says nothing, or stops in the middle of a pack, is
// left at the deadline, and the next fetch works.
func TestSilence(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("main", map[string]string{"a": noise(1 << 20)})
	keys := newSSHKeys(t)
	servers := map[string]string{
		"http": strings.TrimPrefix(r.serveHTTP(plain), "http://"),
		"git":  strings.TrimPrefix(r.serveGit(), "git://"),
		"ssh":  r.serveSSH(keys),
	}
	for scheme, server := range servers {
		address, path, _ := strings.Cut(server, "/")
		for name, allowed := range map[string]int64{"at once": 0, "in the middle": 300 << 10} {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				t.Parallel()
				remaining := allowed
				var mu sync.Mutex
				proxy := listen(t, func(conn net.Conn) { relay(t, conn, address, &mu, &remaining) })
				req := request(t, scheme+"://"+proxy+"/"+path, nil)
				if scheme == "ssh" {
					req.URL, req.Auth = r.sshURL(proxy), keys.secret(proxy)
				}
				ctx, cancel := context.WithTimeout(testContext(t), 1500*time.Millisecond)
				defer cancel()
				_, _, err := headAndCheckout(ctx, t, req)
				if git.ReasonOf(err) != git.ReasonTimeout || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				mu.Lock()
				remaining = 1 << 40
				mu.Unlock()
				if _, _, err := headAndCheckout(testContext(t), t, req); err != nil {
					t.Errorf("the next fetch: %v", err)
				}
			})
		}
	}
}
