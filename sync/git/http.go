package git

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	fluxgit "github.com/fluxcd/pkg/git"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// maxErrorBody bounds what is read of an answer that is an error.
const maxErrorBody = 64 << 10

// httpSession closes its connections, which would be kept for reuse otherwise.
type httpSession struct {
	transport.UploadPackSession
	transport *http.Transport
	heard     *heard
}

// heard is what the newest answer said beside what go-git keeps of it.
type heard struct {
	// said is a refusal's own words.
	said string
	// refs is the beginning of the list of references, with the capabilities.
	refs beginning
}

func (s httpSession) Close() error {
	s.transport.CloseIdleConnections()
	return s.UploadPackSession.Close()
}

// AdvertisedReferencesContext implements session. go-git leaves out capabilities
// that it doesn't make use of, and so doesn't offer them, without which some
// servers refuse to talk.
func (s httpSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	refs, err := s.UploadPackSession.AdvertisedReferencesContext(ctx)
	if s.heard.said == "" && isSHA256(s.heard.refs) {
		return nil, errSHA256
	}
	if err != nil {
		return nil, saidError{err, s.heard.said}
	}
	lines := pktline.NewScanner(bytes.NewReader(s.heard.refs.bytes))
	for lines.Scan() {
		if _, list, ok := bytes.Cut(lines.Bytes(), []byte{0}); ok {
			all := capability.NewList()
			if all.Decode(bytes.TrimSpace(list)) == nil {
				refs.Capabilities = all
			}
			break
		}
	}
	return refs, nil
}

// UploadPack implements session.
func (s httpSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	response, err := s.UploadPackSession.UploadPack(ctx, req)
	if err != nil {
		return nil, saidError{err, s.heard.said}
	}
	return response, nil
}

func openHTTP(to target, dial Dial, proxy *url.URL, req Request, report reporter) (session, error) {
	options, err := fluxgit.NewAuthOptions(*to.url, trimmedAuth(req.Auth))
	if err != nil {
		return nil, report.fail(ReasonInvalidSecret, "the Secret doesn't fit the URL: %v", err)
	}
	tlsConfig, err := trust(options.CAFile)
	if err != nil {
		return nil, report.fail(ReasonInvalidSecret, "the Secret's ca.crt: %v", err)
	}
	// The host that may see the client's certificate. Blank: there is none.
	only := ""
	if len(options.ClientCert) > 0 {
		pair, err := tls.X509KeyPair(options.ClientCert, options.ClientKey)
		if err != nil {
			return nil, report.fail(ReasonInvalidSecret, "the Secret's tls.crt and tls.key are no certificate and its key in PEM form")
		}
		tlsConfig.Certificates, only = []tls.Certificate{pair}, to.url.Host
	}
	base := &http.Transport{
		DialContext:            dial,
		Proxy:                  http.ProxyURL(proxy),
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	// Redirects are go-git's: of the first request only, never from https to http,
	// and without credentials once another host is reached.
	heard := &heard{}
	client := githttp.NewClient(&http.Client{Transport: limitedTransport{base, only, req.Limits.PackBytes, heard}})
	endpoint, err := transport.NewEndpoint(to.String())
	if err != nil {
		return nil, report.fail(ReasonInvalidURL, "the repository's URL is malformed")
	}
	upload, err := client.NewUploadPackSession(endpoint, httpAuth(options))
	if err != nil {
		return nil, err
	}
	return httpSession{upload, base, heard}, nil
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
	base *http.Transport
	// only is the one host to talk to, if it isn't blank: redirects to others are
	// refused.
	only      string
	packBytes int64
	heard     *heard
}

func (t limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.only != "" && req.URL.Host != t.only {
		return nil, errors.New("redirected to another host, which isn't shown the client's certificate")
	}
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
	*t.heard = heard{refs: beginning{limit: maxErrorBody}}
	resp.Body = limitedBody{io.TeeReader(&limitedReader{resp.Body, limit}, &t.heard.refs), resp.Body}
	if resp.StatusCode >= http.StatusBadRequest {
		t.heard.said = sentence(resp)
	}
	return resp, nil
}

type limitedBody struct {
	io.Reader
	io.Closer
}
