package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/util/cert"
)

func TestTrust(t *testing.T) {
	now := time.Now()
	var signers []*x509.Certificate
	for i := range maxTrusted + 2 {
		signers = append(signers, signer(t, fmt.Sprint(i), now.Add(time.Hour)))
	}
	expired := signer(t, "expired", now.Add(-time.Minute))
	for name, tc := range map[string]struct {
		bundle []byte
		needed []*x509.Certificate
		want   []string
		had    bool
	}{
		"none before":         {nil, signers[:1], []string{"0"}, false},
		"garbage before":      {[]byte("x"), signers[:1], []string{"0"}, false},
		"the same":            {encode(signers[:1]...), signers[:1], []string{"0"}, true},
		"one of two":          {encode(signers[:1]...), signers[:2], []string{"1", "0"}, false},
		"another's stays":     {encode(signers[0]), signers[1:2], []string{"1", "0"}, false},
		"an expired one goes": {encode(signers[0], expired), signers[1:2], []string{"1", "0"}, false},
		"no more than fit":    {encode(signers[:maxTrusted]...), signers[maxTrusted : maxTrusted+1], firstOf(signers, maxTrusted), false},
	} {
		t.Run(name, func(t *testing.T) {
			bundle, had := trust(tc.bundle, tc.needed, now)
			certs, err := cert.ParseCertsPEM(bundle)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range certs {
				got = append(got, c.Subject.CommonName)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || had != tc.had {
				t.Errorf("trusted before: %t; authorities (-want +got):\n%s", had, diff)
			}
		})
	}
}

// firstOf names the newcomer and as many of those before it as have room.
func firstOf(signers []*x509.Certificate, newcomer int) []string {
	names := []string{signers[newcomer].Subject.CommonName}
	for _, c := range signers[:maxTrusted-1] {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

func signer(t *testing.T, name string, until time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made, err := cert.NewSelfSignedCACert(cert.Config{CommonName: name, NotBefore: until.Add(-time.Hour)}, crypto.Signer(key))
	if err != nil {
		t.Fatal(err)
	}
	made.NotAfter = until
	raw, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func encode(certs ...*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, c := range certs {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: c.Raw}))
	}
	return out.Bytes()
}
