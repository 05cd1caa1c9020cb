package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/cert"
)

// validity of a certificate. It is renewed when a third of it is left.
const validity = 90 * 24 * time.Hour

// pair is a certificate with its key, and the authority that signed it.
type pair struct {
	serving   tls.Certificate
	authority *x509.Certificate
}

// generate returns what a Secret holds: the certificate followed by its
// authority, and the key. The authority's own key is gone, so that nothing else
// will ever be trusted in its name.
func generate(host string) (map[string][]byte, error) {
	chain, key, err := cert.GenerateSelfSignedCertKeyWithOptions(cert.SelfSignedCertKeyOptions{Host: host, MaxAge: validity})
	if err != nil {
		return nil, fmt.Errorf("generate a certificate for %s: %w", host, err)
	}
	return map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: key}, nil
}

// parse reads what generate has made, and fails for what doesn't serve the host
// now. Its errors hold no part of the key.
func parse(data map[string][]byte, host string, now time.Time) (*pair, error) {
	if len(data[corev1.TLSCertKey]) == 0 || len(data[corev1.TLSPrivateKeyKey]) == 0 {
		return nil, errors.New("there is none yet")
	}
	serving, err := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, err
	}
	if len(serving.Certificate) != 2 {
		return nil, fmt.Errorf("a chain of %d certificates, not of a certificate and its authority", len(serving.Certificate))
	}
	authority, err := x509.ParseCertificate(serving.Certificate[1])
	if err != nil {
		return nil, fmt.Errorf("parse the authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	if _, err := serving.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: now}); err != nil {
		return nil, err
	}
	return &pair{serving: serving, authority: authority}, nil
}

// renewal is when the certificate is to be replaced.
func (p *pair) renewal() time.Time {
	lifetime := p.serving.Leaf.NotAfter.Sub(p.serving.Leaf.NotBefore)
	return p.serving.Leaf.NotAfter.Add(-lifetime / 3)
}

// maxTrusted bounds how many authorities are trusted at once, should somebody ask
// for new certificates over and over. A renewal when it is due needs two.
const maxTrusted = 16

// trust returns the bundle of authorities that has the needed ones in it, and
// whether it had them before. What else is in it stays until it expires, because
// another replica may still serve what that has signed.
func trust(bundle []byte, needed []*x509.Certificate, now time.Time) (result []byte, had bool) {
	present, err := cert.ParseCertsPEM(bundle)
	if err != nil {
		present = nil // blank, or not by a hand that knew what it did
	}
	missing := slices.DeleteFunc(slices.Clone(needed), func(c *x509.Certificate) bool {
		return slices.ContainsFunc(present, c.Equal)
	})
	if len(missing) == 0 {
		return bundle, true
	}
	for _, c := range present {
		if now.Before(c.NotAfter) && len(missing) < maxTrusted {
			missing = append(missing, c)
		}
	}
	var out bytes.Buffer
	for _, c := range missing {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: c.Raw}))
	}
	return out.Bytes(), false
}
