package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		"no issuer":   {[]string{"--session-keys", good, "--oidc-client-id", "kayci"}, "the flags --oidc-… and --external-url are for signing in by a provider"},
		"no sign-in":  {[]string{"--session-keys", good, "--sign-in-with-token=false"}, "nobody could sign in"},
		"no client":   {[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--external-url", "https://ci.example.com"}, "sign in by a provider (--oidc-issuer, --oidc-client-id, --external-url): the client's ID is blank"},
		"no secret":   {[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-client-secret-file", filepath.Join(good, "none")}, "read the client's secret: open "},
		"a group of the cluster's": {
			[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-client-id", "kayci", "--external-url", "https://ci.example.com", "--oidc-impersonate", "--oidc-groups=system:masters"},
			`--oidc-groups: the group "system:masters": names that begin with system: are the cluster's own`,
		},
		"groups of nobody": {
			[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-client-id", "kayci", "--external-url", "https://ci.example.com", "--oidc-groups=a"},
			"--oidc-groups is for --oidc-impersonate",
		},
		"a bad ca": {[]string{"--session-keys", good, "--oidc-issuer", "https://issuer.example.com", "--oidc-ca-file", filepath.Join(good, "key")}, "read --oidc-ca-file " + filepath.Join(good, "key") + ": there is no certificate in it"},
	} {
		cmd := newWebCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.PersistentPreRun = nil
		cmd.SetArgs(tt.args)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
