package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestIssue(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	ca, err := NewAuthority(dir, "ca", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue("server", Subject{Name: "server", DNSNames: []string{"kubernetes"}, Addresses: []string{"10.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue("client", Subject{Name: "jo", Groups: []string{"system:masters"}}); err != nil {
		t.Fatal(err)
	}
	server, client := load(t, dir, "server"), load(t, dir, "client")
	roots := x509.NewCertPool()
	roots.AddCert(load(t, dir, "ca"))

	for _, tc := range []struct {
		what string
		cert *x509.Certificate
		opts x509.VerifyOptions
		ok   bool
	}{
		{"server by name", server, x509.VerifyOptions{DNSName: "kubernetes"}, true},
		{"server by address", server, x509.VerifyOptions{DNSName: "10.0.0.1"}, true},
		{"server by another name", server, x509.VerifyOptions{DNSName: "etcd"}, false},
		{"server as a client", server, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, true},
		{"client", client, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, true},
		{"client as a server", client, x509.VerifyOptions{}, false},
	} {
		tc.opts.Roots, tc.opts.CurrentTime = roots, now
		if _, err := tc.cert.Verify(tc.opts); (err == nil) != tc.ok {
			t.Errorf("%s: %v, want ok %v", tc.what, err, tc.ok)
		}
	}
	if got := client.Subject.String(); got != "CN=jo,O=system:masters" {
		t.Errorf("subject of the client is %s", got)
	}
	if _, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")); err != nil {
		t.Errorf("certificate and key don't fit: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "client.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the key: %v, %v", info.Mode(), err)
	}
}

func load(t *testing.T, dir, file string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
