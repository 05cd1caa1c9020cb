package openid

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"time"
)

// What a provider may take for an answer, and how many bytes that may have.
const (
	patience  = 10 * time.Second
	maxAnswer = 1 << 20
	maxHeader = 64 << 10
)

// NewClient returns a client for requests to a provider. It trusts the certificates
// that the system does, and those given in PEM. It follows nobody elsewhere: a request
// may have the client's secret in it.
func NewClient(certificates []byte) (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if len(certificates) > 0 && !pool.AppendCertsFromPEM(certificates) {
		return nil, errors.New("there is no certificate in it")
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: patience,
		IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeader,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool},
	}
	return &http.Client{
		Transport: bounded{transport}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it redirects, which isn't followed") },
	}, nil
}

// bounded lets nobody answer without end.
type bounded struct{ next http.RoundTripper }

// RoundTrip sends the request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{http.MaxBytesReader(nil, response.Body, maxAnswer), response.Body}
	return response, nil
}
