package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/seal"
	"github.com/kayci/kayci/web/viewer"
)

// oidcFlags are those of signing in by a provider.
type oidcFlags struct {
	issuer, clientID, secretFile, caFile, external string
	scopes                                         []string
	// impersonate has the page act for who signs in, whom mapping names, by the token of
	// the file.
	impersonate bool
	mapping     openid.Mapping
	tokenFile   string
}

func (flags *oidcFlags) bind(f *pflag.FlagSet) {
	f.StringVar(&flags.issuer, "oidc-issuer", "", "address of an OpenID Connect provider that viewers sign in by; the API server has to trust it, but with --oidc-impersonate")
	f.StringVar(&flags.clientID, "oidc-client-id", "", "the page's client ID at the provider, which the API server has to take as audience, but with --oidc-impersonate")
	f.StringVar(&flags.secretFile, "oidc-client-secret-file", "", "file with the client's secret (default none: a public client, which PKCE protects)")
	f.StringSliceVar(&flags.scopes, "oidc-scopes", []string{"openid", "email", "profile"}, "what the provider is asked for, separated by commas")
	f.StringVar(&flags.caFile, "oidc-ca-file", "", "file with certificates, in PEM, that the provider's may be signed by beside those that the system trusts")
	f.BoolVar(&flags.impersonate, "oidc-impersonate", false, "act for viewers by constrained impersonation (Kubernetes 1.36), instead of passing on their tokens: the API server needn't trust the provider")
	f.StringVar(&flags.mapping.UsernameClaim, "oidc-username-claim", "sub", "claim that is the user's name, with --oidc-impersonate; email has to be verified")
	f.StringVar(&flags.mapping.UsernamePrefix, "oidc-username-prefix", "", "what users' names begin with, with --oidc-impersonate, as the API server's flag of this name: by default the issuer and # unless the claim is email, and - is none")
	f.StringVar(&flags.mapping.GroupsClaim, "oidc-groups-claim", "groups", "claim that lists the user's groups, with --oidc-groups")
	f.StringVar(&flags.mapping.GroupsPrefix, "oidc-groups-prefix", "", "what the names of --oidc-groups begin with, and those of the claim don't")
	f.StringSliceVar(&flags.mapping.Groups, "oidc-groups", nil, "groups, with their prefix, that count with --oidc-impersonate; others are left out")
	f.StringVar(&flags.tokenFile, "oidc-impersonate-token-file", accountFile, "file with the token of the account by which the page acts for viewers, with --oidc-impersonate")
	f.StringVar(&flags.external, "external-url", "", "address that viewers reach the page by, as https://ci.example.com; the provider sends them back to it")
}

// actFor has the page act for who signs in, if it is to.
func (flags *oidcFlags) actFor(opts *web.Options) error {
	if !flags.impersonate {
		return nil
	}
	for _, group := range flags.mapping.Groups {
		person := viewer.Person{User: "anybody", Groups: []string{group}}
		if err := person.Check(); err != nil {
			return fmt.Errorf("--oidc-groups: %w", err)
		}
	}
	opts.OwnToken = viewer.TokenFile(flags.tokenFile)
	opts.Sessions.Realm, opts.Sessions.Groups = flags.mapping.Realm(flags.issuer, flags.clientID), flags.mapping.Groups
	return nil
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
	if flags.impersonate {
		opts.Mapping = &flags.mapping
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
