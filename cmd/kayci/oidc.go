package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/seal"
)

// oidcFlags are those of signing in by a provider.
type oidcFlags struct {
	issuer, clientID, secretFile, caFile, external string
	scopes                                         []string
}

func (flags *oidcFlags) bind(f *pflag.FlagSet) {
	f.StringVar(&flags.issuer, "oidc-issuer", "", "address of an OpenID Connect provider that viewers sign in by; the API server has to trust it")
	f.StringVar(&flags.clientID, "oidc-client-id", "", "the page's client ID at the provider, which the API server has to take as audience")
	f.StringVar(&flags.secretFile, "oidc-client-secret-file", "", "file with the client's secret (default none: a public client, which PKCE protects)")
	f.StringSliceVar(&flags.scopes, "oidc-scopes", []string{"openid", "email", "profile"}, "what the provider is asked for, separated by commas")
	f.StringVar(&flags.caFile, "oidc-ca-file", "", "file with certificates, in PEM, that the provider's may be signed by beside those that the system trusts")
	f.StringVar(&flags.external, "external-url", "", "address that viewers reach the page by, as https://ci.example.com; the provider sends them back to it")
}

// any reports whether one of them is given that says something of the provider.
func (flags *oidcFlags) any() bool {
	return flags.clientID+flags.secretFile+flags.caFile+flags.external != ""
}

// provider is that of the flags. nil: there is none.
func (flags *oidcFlags) provider(box func() (*seal.Box, error)) (*openid.Provider, error) {
	if flags.issuer == "" {
		return nil, nil //nolint:nilnil // No provider is a usual answer and no error.
	}
	client, err := flags.client()
	if err != nil {
		return nil, err
	}
	opts := openid.Options{
		Issuer: flags.issuer, ClientID: flags.clientID, Scopes: flags.scopes, External: flags.external,
		Client: client, Box: box, Clock: clock.RealClock{},
	}
	if flags.secretFile != "" {
		opts.Secret = flags.secret
		if _, err := opts.Secret(); err != nil {
			return nil, err
		}
	}
	provider, err := openid.New(opts)
	if err != nil {
		return nil, fmt.Errorf("sign in by a provider (--oidc-issuer, --oidc-client-id, --external-url): %w", err)
	}
	return provider, nil
}

func (flags *oidcFlags) client() (*http.Client, error) {
	var certificates []byte
	if flags.caFile != "" {
		var err error
		if certificates, err = os.ReadFile(flags.caFile); err != nil {
			return nil, fmt.Errorf("read --oidc-ca-file: %w", err)
		}
	}
	client, err := openid.NewClient(certificates)
	if err != nil {
		return nil, fmt.Errorf("read --oidc-ca-file %s: %w", flags.caFile, err)
	}
	return client, nil
}

// secret is read each time: it is replaced.
func (flags *oidcFlags) secret() (string, error) {
	data, err := os.ReadFile(flags.secretFile)
	if err != nil {
		return "", fmt.Errorf("read the client's secret: %w", err)
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return "", fmt.Errorf("read the client's secret: %s is blank", flags.secretFile)
	}
	return secret, nil
}
