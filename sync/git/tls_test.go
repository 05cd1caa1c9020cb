package git_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kayci/kayci/sync/git"
)

// clientPair is a certificate that vouches for itself, and its key.
func clientPair(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// TestClientCertificate: it is used, or refused, and shown to no other host.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("main", map[string]string{"a": "1"})
	serve := func(handler http.Handler) *httptest.Server {
		server := httptest.NewUnstartedServer(handler)
		server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	server := serve(r.backend())
	elsewhere := serve(http.RedirectHandler(server.URL+"/acme/config.git/info/refs?service=git-upload-pack", http.StatusFound))
	cert, key := clientPair(t)
	_, other := clientPair(t)
	trusted := func(cert, key []byte) map[string][]byte {
		return map[string][]byte{"ca.crt": certificate(server), "tls.crt": cert, "tls.key": key}
	}
	url := server.URL + "/acme/config.git"
	tests := map[string]struct {
		url    string
		auth   map[string][]byte
		reason git.Reason
		text   string
	}{
		"used":          {url: url, auth: trusted(cert, key)},
		"none":          {url: url, auth: map[string][]byte{"ca.crt": certificate(server)}, reason: git.ReasonFetchFailed},
		"half":          {url: url, auth: trusted(cert, nil), reason: git.ReasonInvalidSecret, text: "needs both"},
		"another's key": {url: url, auth: trusted(cert, other), reason: git.ReasonInvalidSecret, text: "no certificate and its key"},
		"http":          {url: r.serveHTTP(plain), auth: trusted(cert, key), reason: git.ReasonInvalidSecret, text: "https alone"},
		"git":           {url: r.serveGit(), auth: trusted(cert, key), reason: git.ReasonInvalidSecret, text: "https alone"},
		"redirected":    {url: elsewhere.URL + "/acme/config.git", auth: trusted(cert, key), reason: git.ReasonFetchFailed, text: "another host"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := headAndCheckout(testContext(t), t, request(t, test.url, test.auth))
			switch {
			case test.reason == "" && err != nil:
				t.Errorf("got %v", err)
			case test.reason != "" && (err == nil || git.ReasonOf(err) != test.reason || !strings.Contains(err.Error(), test.text)):
				t.Errorf("got %v, want %s: %s", err, test.reason, test.text)
			}
		})
	}
}

// TestSHA256: a repository that can't be read is called so, by each transport, and
// isn't tried again and again.
func TestSHA256(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.path = filepath.Join(r.base, "acme", "sha256.git")
	cmd := exec.CommandContext(t.Context(), "git", "init", "-q", "--bare", "--object-format=sha256", "--initial-branch=main", r.path)
	cmd.Env = gitEnvironment()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.commit("main", map[string]string{"a": "1"})
	keys := newSSHKeys(t)
	ssh := r.serveSSH(keys)
	for name, req := range map[string]git.Request{
		"http": {URL: strings.Replace(r.serveHTTP(plain), "config", "sha256", 1)},
		"git":  {URL: strings.Replace(r.serveGit(), "config", "sha256", 1)},
		"ssh":  {URL: r.sshURL(ssh), Auth: keys.secret(ssh)},
	} {
		_, err := git.Head(testContext(t), request(t, req.URL, req.Auth))
		if git.ReasonOf(err) != git.ReasonUnsupportedFormat || err == nil || !strings.Contains(err.Error(), "SHA-256") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
