package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestWebNeedsViewers: a page that nobody could look at, or that couldn't keep a
// session, doesn't start. Nothing of a key is said.
func TestWebNeedsViewers(t *testing.T) {
	t.Parallel()
	short, good := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(good, "key"), []byte(strings.Repeat("canary", 9)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(short, "key"), []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"nobody":      {nil, "nobody could look: give --session-keys, --trust-forwarded-token or --anonymous-token-file"},
		"no key":      {[]string{"--session-keys", filepath.Join(short, "none")}, "read the key of sessions: open "},
		"a short key": {[]string{"--session-keys", short}, "read the keys of sessions in " + short + ": key 1 has 6 bytes, and needs 32"},
		"no session":  {[]string{"--oidc-issuer", "https://issuer.example.com"}, "who signs in by --oidc-issuer needs a session"},
		"no sign-in":  {[]string{"--session-keys", good, "--sign-in-with-token=false"}, "nobody could sign in"},
		"no client":   {[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--external-url", "https://ci.example.com"}, "sign in by a provider (--oidc-issuer, --oidc-client-id, --external-url): the client's ID is blank"},
		"no secret":   {[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-client-secret-file", filepath.Join(good, "none")}, "read the client's secret: open "},
		"a group of the cluster's": {
			[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-client-id", "kayci", "--external-url", "https://ci.example.com", "--oidc-impersonate", "--oidc-groups=system:masters"},
			`--oidc-groups: the group "system:masters": names that begin with system: are the cluster's own`,
		},
		"a bad ca": {[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-ca-file", filepath.Join(good, "key")}, "read --oidc-ca-file " + filepath.Join(good, "key") + ": there is no certificate in it"},
	} {
		if err := runWeb(t, tt.args); err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func runWeb(t *testing.T, args []string) error {
	t.Helper()
	cmd := newWebCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.PersistentPreRun = nil
	cmd.SetArgs(args)
	return cmd.ExecuteContext(t.Context())
}

// TestWebFlagsDoSomething: a flag that would do nothing beside the others is refused, and
// isn't where it does something, or asks for nothing.
func TestWebFlagsDoSomething(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	if err := os.WriteFile(filepath.Join(keys, "key"), []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	session := []string{"--session-keys", keys}
	provider := append(slices.Clone(session), "--oidc-issuer=https://issuer.example.com", "--oidc-client-id=kayci", "--external-url=https://ci.example.com")
	acting := append(slices.Clone(provider), "--oidc-impersonate")
	grouped := append(slices.Clone(acting), "--oidc-groups=b:a")
	const (
		noSession  = "viewers who have a session: give --session-keys"
		noProvider = "signing in by a provider: give --oidc-issuer"
		noActing   = "--oidc-impersonate: else the API server says what user a token is of, and which groups count"
		noToken    = "--oidc-impersonate: else the page has no token of its own"
		noGroups   = "groups that count: list them in --oidc-groups"
	)
	// What each flag is told without sessions, with them, a provider, acting for viewers, and groups.
	for flag, want := range map[string][5]string{
		"--sign-in-with-token=true":         {noSession},
		"--sign-in-with-token=false":        {},
		"--external-url=https://a.example":  {noProvider, noProvider},
		"--external-url=":                   {},
		"--oidc-client-id=a":                {noProvider, noProvider},
		"--oidc-client-secret-file=/a":      {noProvider, noProvider},
		"--oidc-scopes=openid":              {noProvider, noProvider},
		"--oidc-ca-file=/a":                 {noProvider, noProvider},
		"--oidc-impersonate=true":           {noProvider, noProvider},
		"--oidc-impersonate=false":          {},
		"--oidc-username-claim=sub":         {noProvider, noProvider, noActing},
		"--oidc-username-prefix=-":          {noProvider, noProvider, noActing},
		"--oidc-username-prefix=":           {},
		"--oidc-groups=a":                   {noProvider, noProvider, noActing},
		"--oidc-groups=":                    {},
		"--oidc-groups-claim=a":             {noProvider, noProvider, noActing, noGroups},
		"--oidc-groups-prefix=b:":           {noProvider, noProvider, noActing, noGroups},
		"--oidc-impersonate-token-file=/a":  {noProvider, noProvider, noToken},
		"--namespaces=ci":                   {},
		"--certificate-dir=/a":              {},
		"--trust-forwarded-token=true":      {},
		"--anonymous-token-file=/anonymous": {},
	} {
		var got [5]string
		for n, others := range [][]string{{"--trust-forwarded-token"}, session, provider, acting, grouped} {
			got[n] = idleOf(t, append([]string{flag}, others...))
		}
		name, _, _ := strings.Cut(flag, "=")
		for n := range want {
			if want[n] != "" {
				want[n] = name + " is for " + want[n]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", flag, diff)
		}
	}
	if err := runWeb(t, append(provider, "--oidc-username-claim=email")); err == nil || err.Error() != "--oidc-username-claim is for "+noActing {
		t.Errorf("it starts with a flag that does nothing: %v", err)
	}
}

func idleOf(t *testing.T, args []string) string {
	t.Helper()
	var flags webFlags
	f := pflag.NewFlagSet("web", pflag.ContinueOnError)
	flags.bind(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := idle(f, flags.purposes()); err != nil {
		return err.Error()
	}
	return ""
}

// TestEachFlagHasAPurpose: whoever adds a flag of a provider says what it is for.
func TestEachFlagHasAPurpose(t *testing.T) {
	t.Parallel()
	var flags oidcFlags
	f := pflag.NewFlagSet("oidc", pflag.ContinueOnError)
	flags.bind(f)
	var bound []string
	f.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "oidc-issuer" {
			bound = append(bound, flag.Name)
		}
	})
	said := slices.Clone(flags.purposes()[0].flags)
	slices.Sort(said)
	if diff := cmp.Diff(bound, said); diff != "" {
		t.Errorf("flags, and those with a purpose (-want +got):\n%s", diff)
	}
}
