package main

import (
	"fmt"

	"github.com/spf13/pflag"
)

// purpose is what flags do nothing without.
type purpose struct {
	flags []string
	// met says that what they are for is there.
	met bool
	// text says what they are for, and what to do.
	text string
}

// idle refuses flags that would do nothing: who gives them means something by them. What
// is blank or false asks for nothing.
func idle(given *pflag.FlagSet, purposes []purpose) error {
	for _, p := range purposes {
		for _, name := range p.flags {
			if !p.met && asks(given.Lookup(name)) {
				return fmt.Errorf("--%s is for %s", name, p.text)
			}
		}
	}
	return nil
}

func asks(flag *pflag.Flag) bool {
	if !flag.Changed {
		return false
	}
	switch flag.Value.String() {
	case "", "[]", "false":
		return false
	}
	return true
}

// purposes are those of the page's flags.
func (flags *webFlags) purposes() []purpose {
	return append([]purpose{
		{[]string{"sign-in-with-token"}, flags.keys != "", "viewers who have a session: give --session-keys"},
	}, flags.oidc.purposes()...)
}

func (flags *oidcFlags) purposes() []purpose {
	return []purpose{
		{
			[]string{
				"oidc-client-id", "oidc-client-secret-file", "oidc-scopes", "oidc-ca-file", "oidc-impersonate", "oidc-username-claim", "oidc-username-prefix",
				"oidc-groups-claim", "oidc-groups-prefix", "oidc-groups", "oidc-impersonate-token-file", "external-url",
			},
			flags.issuer != "", "signing in by a provider: give --oidc-issuer",
		},
		{
			[]string{"oidc-username-claim", "oidc-username-prefix", "oidc-groups-claim", "oidc-groups-prefix", "oidc-groups"},
			flags.impersonate, "--oidc-impersonate: else the API server says what user a token is of, and which groups count",
		},
		{[]string{"oidc-impersonate-token-file"}, flags.impersonate, "--oidc-impersonate: else the page has no token of its own"},
		{
			[]string{"oidc-groups-claim", "oidc-groups-prefix"},
			len(flags.mapping.Groups) > 0, "groups that count: list them in --oidc-groups",
		},
	}
}
