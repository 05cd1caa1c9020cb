// Package pki issues the keys and certificates of a cluster, whose life is so
// short that none is ever renewed or revoked.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const lifetime = 10 * 365 * 24 * time.Hour

// Authority signs certificates and writes them, with their keys, to a folder.
type Authority struct {
	dir  string
	now  time.Time
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Subject is whom a certificate is for: a user and its groups, in Kubernetes'
// reading, and the names and addresses of a server.
type Subject struct {
	Name      string
	Groups    []string
	DNSNames  []string
	Addresses []string
}

// NewAuthority makes an authority and writes dir/<name>.crt and dir/<name>.key.
func NewAuthority(dir, name string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key of %s: %w", name, err)
	}
	a := &Authority{dir: dir, now: now, key: key}
	template := a.template(Subject{Name: "kayci-local " + name})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	if a.cert, err = a.sign(name, template, key, template, key); err != nil {
		return nil, err
	}
	return a, nil
}

// Issue writes dir/<file>.crt and dir/<file>.key. The certificate is good for a
// client and, if the subject has names or addresses, for a server.
func (a *Authority) Issue(file string, s Subject) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generate key of %s: %w", file, err)
	}
	template := a.template(s)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(s.DNSNames)+len(s.Addresses) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	_, err = a.sign(file, template, key, a.cert, a.key)
	return err
}

func (a *Authority) template(s Subject) *x509.Certificate {
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: s.Name, Organization: s.Groups},
		NotBefore: a.now.Add(-time.Hour), // clocks differ
		NotAfter:  a.now.Add(lifetime),
		DNSNames:  s.DNSNames,
	}
	for _, address := range s.Addresses {
		t.IPAddresses = append(t.IPAddresses, net.ParseIP(address))
	}
	return t
}

func (a *Authority) sign(file string, t *x509.Certificate, key *ecdsa.PrivateKey,
	parent *x509.Certificate, parentKey *ecdsa.PrivateKey,
) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose serial number of %s: %w", file, err)
	}
	t.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), parentKey)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", file, err)
	}
	if err := writePEM(filepath.Join(a.dir, file+".crt"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	if err := writeKey(filepath.Join(a.dir, file+".key"), key); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// WriteKeyPair writes dir/<file>.key and dir/<file>.pub: what service account
// tokens are signed and checked with.
func WriteKeyPair(dir, file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generate key of %s: %w", file, err)
	}
	if err := writeKey(filepath.Join(dir, file+".key"), key); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode public key of %s: %w", file, err)
	}
	return writePEM(filepath.Join(dir, file+".pub"), "PUBLIC KEY", der)
}

func writeKey(path string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return writePEM(path, "PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
