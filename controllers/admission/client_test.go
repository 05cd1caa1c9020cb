package admission

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func (a authority) issue(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// file holds the authority's certificate.
func (a authority) file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.crt")
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOnlyAPIServersAreAnswered(t *testing.T) {
	own, other := newAuthority(t), newAuthority(t)
	for name, tt := range map[string]struct {
		names    []string
		client   *tls.Certificate
		answered bool
	}{
		"an API server":     {[]string{"kube-apiserver"}, own.issue(t, "kube-apiserver"), true},
		"any of its own":    {nil, own.issue(t, "somebody"), true},
		"a user":            {[]string{"kube-apiserver"}, own.issue(t, "somebody"), false},
		"another authority": {[]string{"kube-apiserver"}, other.issue(t, "kube-apiserver"), false},
		"none":              {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			require, err := requireClient(own.file(t), tt.names)
			if err != nil {
				t.Fatal(err)
			}
			serving := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*own.issue(t, "kayci")}}
			require(serving)
			client, server := net.Pipe()
			defer func() { _ = client.Close() }()
			go func() {
				// The client's side of the handshake, and then whatever it is told.
				config := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "kayci", RootCAs: serving.ClientCAs}
				if tt.client != nil {
					config.Certificates = []tls.Certificate{*tt.client}
				}
				_, _ = tls.Client(client, config).Read(make([]byte, 1))
			}()
			err = tls.Server(server, serving).HandshakeContext(t.Context())
			_ = server.Close()
			if (err == nil) != tt.answered {
				t.Errorf("the handshake ends with %v, want it to succeed: %t", err, tt.answered)
			}
		})
	}
}

func TestAuthoritiesThatCannotBeRead(t *testing.T) {
	blank := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(blank, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{blank: "holds no certificate in PEM", blank + "x": "no such file"} {
		if _, err := requireClient(file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", file, err, want)
		}
	}
}
