package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"time"

	fluxgit "github.com/fluxcd/pkg/git"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// maxErrorBody bounds what is read of an answer that is an error.
const maxErrorBody = 64 << 10

// httpSession closes its connections, which would be kept for reuse otherwise.
type httpSession struct {
	transport.UploadPackSession
	transport *http.Transport
}

func (s httpSession) Close() error {
	s.transport.CloseIdleConnections()
	return s.UploadPackSession.Close()
}

func openHTTP(ctx context.Context, to target, req Request, report reporter) (session, error) {
	options, err := fluxgit.NewAuthOptions(*to.url, trimmedAuth(req.Auth))
	if err != nil {
		return nil, report.fail(ReasonInvalidSecret, "the Secret doesn't fit the URL: %v", err)
	}
	tlsConfig, err := trust(options.CAFile)
	if err != nil {
		return nil, report.fail(ReasonInvalidSecret, "the Secret's ca.crt: %v", err)
	}
	base := &http.Transport{
		DialContext:            bound(ctx, req.Dial),
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	// Redirects are go-git's: of the first request only, never from https to http,
	// and without credentials once another host is reached.
	client := githttp.NewClient(&http.Client{Transport: limitedTransport{base, req.Limits.PackBytes}})
	endpoint, err := transport.NewEndpoint(to.String())
	if err != nil {
		return nil, report.fail(ReasonInvalidURL, "the repository's URL is malformed")
	}
	upload, err := client.NewUploadPackSession(endpoint, httpAuth(options))
	if err != nil {
		return nil, err
	}
	return httpSession{upload, base}, nil
}

func httpAuth(options *fluxgit.AuthOptions) transport.AuthMethod {
	switch {
	case options.BearerToken != "":
		return &githttp.TokenAuth{Token: options.BearerToken}
	case options.Username != "" || options.Password != "":
		return &githttp.BasicAuth{Username: options.Username, Password: options.Password}
	default:
		return nil
	}
}

// trust adds a bundle of certificates to those of the system.
func trust(bundle []byte) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(bundle) == 0 {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(bundle) {
		return nil, errors.New("holds no certificate in PEM form")
	}
	config.RootCAs = pool
	return config, nil
}

// limitedTransport bounds every response body.
type limitedTransport struct {
	base      *http.Transport
	packBytes int64
}

func (t limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	limit := int64(maxAdvertised)
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices:
		limit = maxErrorBody
	case req.Method == http.MethodPost:
		limit = t.packBytes
	}
	resp.Body = limitedBody{&limitedReader{resp.Body, limit}, resp.Body}
	return resp, nil
}

type limitedBody struct {
	io.Reader
	io.Closer
}
