package admission

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
)

// requireClient has a server talk only to who presents a certificate of the
// authorities in a file. The names are those that its subject's common name may
// be, any if there are none.
func requireClient(file string, names []string) (func(*tls.Config), error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of API servers: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("read the authorities of API servers: %s holds no certificate in PEM", file)
	}
	return func(c *tls.Config) {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs = authorities
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if len(names) > 0 && !slices.Contains(names, state.PeerCertificates[0].Subject.CommonName) {
				return errors.New("the client's certificate is none of an API server")
			}
			return nil
		}
	}, nil
}
