// Package openid signs viewers in by an OpenID Connect provider: by the authorization
// code flow, with PKCE. It keeps nothing but what the provider says of itself: what
// belongs to a sign-in is in a cookie of its own, sealed.
package openid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/web/seal"
)

// CallbackPath is where the provider sends viewers back to.
const CallbackPath = "/login/oidc/callback"

// Options say who the provider is, and who the page is to it.
type Options struct {
	// Issuer is the provider's address, as it stands in its tokens.
	Issuer string
	// ClientID is the page's name at the provider.
	ClientID string
	// Secret proves that it is the page who asks. It is asked for each time. nil: the page
	// is a public client.
	Secret func() (string, error)
	// Scopes that are asked for, beside openid.
	Scopes []string
	// External is the address that viewers reach the page by, without a path.
	External string
	// Client sends requests to the provider.
	Client *http.Client
	// Box seals the cookie of a sign-in.
	Box func() (*seal.Box, error)
	// Mapping says who viewers are, for a page that acts for them. nil: it passes their
	// tokens on.
	Mapping *Mapping
	// Clock says when a sign-in has taken too long, and when a token is over.
	Clock clock.PassiveClock
}

// Provider signs viewers in. What it knows of the provider it asks for when the first
// viewer wants to sign in, and again until there was an answer.
type Provider struct {
	Options
	host        string
	known       atomic.Pointer[known]
	discovering singleflight.Group
}

// known is what a provider says of itself.
type known struct {
	provider *oidc.Provider
	style    oauth2.AuthStyle
}

// New returns the provider, without asking it for anything.
func New(opts Options) (*Provider, error) {
	issuer, err := secureURL(opts.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer %q: %w", opts.Issuer, err)
	}
	external, err := url.Parse(opts.External)
	if err != nil || external.Host == "" || external.User != nil || strings.Trim(external.Path, "/") != "" || external.RawQuery != "" || external.Fragment != "" {
		return nil, fmt.Errorf("the external address %q is none as https://ci.example.com", opts.External)
	}
	if external.Scheme != "https" && (external.Scheme != "http" || external.Hostname() != "localhost") {
		return nil, fmt.Errorf("the external address %q isn't of https, for which alone browsers keep a session", opts.External)
	}
	if opts.ClientID == "" {
		return nil, errors.New("the client's ID is blank")
	}
	opts.External = strings.TrimRight(opts.External, "/")
	return &Provider{Options: opts, host: issuer.Host}, nil
}

// secureURL reads an address of https.
func secureURL(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Fragment != "" {
		return nil, errors.New("it is no address as https://issuer.example.com")
	}
	return address, nil
}

// Host is the provider's name.
func (p *Provider) Host() string { return p.host }

// discover asks the provider for its endpoints, once for all who wait for them.
func (p *Provider) discover(ctx context.Context) (*known, error) {
	if k := p.known.Load(); k != nil {
		return k, nil
	}
	answer := p.discovering.DoChan("", func() (any, error) {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		k, err := p.ask(asking)
		if err == nil {
			p.known.Store(k)
		}
		return k, err
	})
	select {
	case <-ctx.Done():
		return nil, p.down(ctx.Err())
	case got := <-answer:
		if got.Err != nil {
			return nil, p.down(got.Err)
		}
		return p.known.Load(), nil
	}
}

func (p *Provider) ask(ctx context.Context) (*known, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.Client), p.Issuer)
	if err != nil {
		return nil, err
	}
	var said struct {
		Authorize string   `json:"authorization_endpoint"`
		Token     string   `json:"token_endpoint"`
		Keys      string   `json:"jwks_uri"`
		Methods   []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&said); err != nil {
		return nil, fmt.Errorf("read what it says: %w", err)
	}
	for _, address := range []string{said.Authorize, said.Token, said.Keys} {
		if parsed, err := url.Parse(address); err != nil || parsed.Scheme != "https" || parsed.Host == "" {
			return nil, fmt.Errorf("its endpoint %q isn't one of https", address)
		}
	}
	k := &known{provider: provider, style: oauth2.AuthStyleInHeader}
	if p.Secret == nil || len(said.Methods) > 0 && !slices.Contains(said.Methods, "client_secret_basic") {
		k.style = oauth2.AuthStyleInParams
	}
	return k, nil
}

// config is how the page asks. The style is told rather than tried out: a code counts
// once.
func (p *Provider) config(k *known) (*oauth2.Config, error) {
	secret := ""
	if p.Secret != nil {
		var err error
		if secret, err = p.Secret(); err != nil {
			return nil, err
		}
	}
	endpoint := k.provider.Endpoint()
	endpoint.AuthStyle = k.style
	scopes := p.Scopes
	if !slices.Contains(scopes, oidc.ScopeOpenID) {
		scopes = append([]string{oidc.ScopeOpenID}, scopes...)
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: secret, Endpoint: endpoint, Scopes: scopes, RedirectURL: p.External + CallbackPath}, nil
}
