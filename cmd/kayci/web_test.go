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
	short := t.TempDir()
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
