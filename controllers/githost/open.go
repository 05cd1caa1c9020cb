package githost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"

	"k8s.io/utils/clock"
	"k8s.io/utils/lru"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// Opener opens hosts. It keeps connections, and of GitHub Apps the tokens and which
// check runs they have made. It is safe for concurrent use.
type Opener struct {
	clock  clock.PassiveClock
	proxy  func(to *url.URL) (*url.URL, error)
	common *http.Transport
	tokens installationTokens
	checks *lru.Cache
}

// NewOpener returns an Opener. The proxy says which HTTP proxy leads to an address;
// nil: none does.
func NewOpener(clock clock.PassiveClock, proxy func(to *url.URL) (*url.URL, error)) *Opener {
	o := &Opener{clock: clock, proxy: proxy, tokens: installationTokens{lru.New(maxKept)}, checks: lru.New(maxChecks)}
	o.common = o.transport()
	return o
}

func (o *Opener) transport() *http.Transport {
	t := &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    2,
		MaxConnsPerHost:        8,
		IdleConnTimeout:        time.Minute,
		ForceAttemptHTTP2:      true,
	}
	if o.proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) { return o.proxy(r.URL) }
	}
	return t
}

// Open returns the host. It asks the host for something only in the name of a GitHub
// App, of which no token is known. An error is a person's to end where the Secret or
// the address is wrong.
func (o *Opener) Open(ctx context.Context, access *Access) (Host, error) {
	base, err := access.base()
	if err != nil {
		return nil, err
	}
	found, err := access.credentials()
	if err != nil {
		return nil, fault.New(v1alpha1.ReasonSecretNotUsable, "the Secret "+err.Error())
	}
	transport, err := o.trusting(access.Secret[caKey])
	if err != nil {
		return nil, err
	}
	c := &caller{
		provider: access.Provider, base: base, clock: o.clock, credentials: found,
		http: &http.Client{Transport: transport, CheckRedirect: stay},
	}
	if found.app != nil {
		token, err := o.tokens.of(ctx, c, found.app)
		if err != nil {
			return nil, err
		}
		c.credentials = credentials{token: token}
		return newGithubApp(c, found.app, o.checks), nil
	}
	return open(access.Provider, c)
}

// trusting returns a way to hosts whose certificates the bundle vouches for. It is used
// once: nobody knows when it isn't needed any more.
func (o *Opener) trusting(bundle []byte) (*http.Transport, error) {
	if len(bundle) == 0 {
		return o.common, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(bundle) {
		return nil, &fault.Error{
			Reason: v1alpha1.ReasonSecretNotUsable, Message: "the Secret has no certificate in PEM form under the key " + caKey,
		}
	}
	t := o.transport()
	t.TLSClientConfig.RootCAs, t.DisableKeepAlives = pool, true
	return t, nil
}
