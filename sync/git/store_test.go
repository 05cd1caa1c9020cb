package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/sync/git"
)

func checkout(t testing.TB, req git.Request, rev git.Revision) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := fetchAndCheckout(testContext(t), req, rev, dir); err != nil {
		t.Fatal(err)
	}
	return files(t, dir)
}

func head(t testing.TB, req git.Request) git.Revision {
	t.Helper()
	rev, err := git.Head(testContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func packs(t testing.TB, req git.Request) []string {
	t.Helper()
	found, err := filepath.Glob(req.Store + "/objects/pack/*.pack")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestStoreLivesOn: what was fetched last needs no network, even after a fetch
// that failed.
func TestStoreLivesOn(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	large := noise(100 << 10)
	want := map[string]string{"a": "1", "large": large}
	r.commit("main", want)
	var mu sync.Mutex
	down := false
	req := request(t, r.serveHTTP(gate(&mu, &down)), nil)
	rev := head(t, req)
	checkout(t, req, rev)
	setGate(&mu, &down, true)
	if diff := cmp.Diff(want, checkout(t, req, rev)); diff != "" {
		t.Errorf("without the network (-want +got):\n%s", diff)
	}
	setGate(&mu, &down, false)

	for range 3 {
		want = map[string]string{"a": rev.Commit, "large": large}
		r.commit("main", want)
		rev = head(t, req)
		if diff := cmp.Diff(want, checkout(t, req, rev)); diff != "" {
			t.Errorf("a later commit (-want +got):\n%s", diff)
		}
		if len(packs(t, req)) != 1 {
			t.Errorf("the store doesn't hold the newest commit alone: %q", packs(t, req))
		}
	}
	req.URL = strings.Replace(req.URL, "config.git", "gone.git", 1)
	if err := fetchAndCheckout(testContext(t), req, git.Revision{Ref: "main", Commit: strings.Repeat("1", 40)}, t.TempDir()); err == nil {
		t.Error("a repository that is gone was fetched")
	}
	setGate(&mu, &down, true)
	if diff := cmp.Diff(want, checkout(t, req, rev)); diff != "" {
		t.Errorf("after a fetch that failed (-want +got):\n%s", diff)
	}
}

// eachPack damages every pack of a store.
func eachPack(damage func(pack string) error) func(*testing.T, git.Request) error {
	return func(t *testing.T, req git.Request) error {
		t.Helper()
		if len(packs(t, req)) == 0 {
			t.Error("there are no packs")
		}
		for _, pack := range packs(t, req) {
			if err := os.Chmod(pack, 0o600); err != nil {
				return err
			}
			if err := damage(pack); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestStoreHeals: a damaged store costs one more try and a fetch, nothing else.
func TestStoreHeals(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	want := map[string]string{"a": "1", "b/c": strings.Repeat("2", 1<<16)}
	r.commit("main", want)
	url := r.serveGit()
	tests := map[string]func(*testing.T, git.Request) error{
		"packs cut short": eachPack(func(pack string) error { return os.Truncate(pack, 100) }),
		"packs blanked":   eachPack(func(pack string) error { return os.WriteFile(pack, make([]byte, 500), 0o600) }),
		"packs removed":   eachPack(os.Remove),
		"index removed":   eachPack(func(pack string) error { return os.Remove(strings.TrimSuffix(pack, "pack") + "idx") }),
		"a file in its place": func(_ *testing.T, req git.Request) error {
			if err := os.RemoveAll(req.Store); err != nil {
				return err
			}
			return os.WriteFile(req.Store, nil, 0o600)
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(t, url, nil)
			rev := head(t, req)
			checkout(t, req, rev)
			if err := damage(t, req); err != nil {
				t.Fatal(err)
			}
			err := fetchAndCheckout(testContext(t), req, rev, t.TempDir())
			if fault, ok := errors.AsType[*git.Error](err); ok && !fault.Transient() {
				t.Errorf("got %s, which isn't tried again: %v", fault.Reason, err)
			}
			if diff := cmp.Diff(want, checkout(t, req, rev)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
