package git_test

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/git"
)

// files reads a checked-out tree. Symlinks are "-> target".
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := root.Readlink(name)
			found[name] = "-> " + target
			return err
		}
		content, err := root.ReadFile(name)
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fetchAndCheckout brings a commit's files into a folder.
func fetchAndCheckout(ctx context.Context, req git.Request, rev git.Revision, dir string) error {
	if err := git.Fetch(ctx, req, rev); err != nil {
		return err
	}
	_, err := git.Checkout(ctx, req, rev, dir)
	return err
}

// headAndCheckout is what a caller does: ask for the head, then check it out.
func headAndCheckout(ctx context.Context, t testing.TB, req git.Request) (git.Revision, map[string]string, error) {
	t.Helper()
	rev, err := git.Head(ctx, req)
	if err != nil {
		return rev, nil, err
	}
	dir := t.TempDir()
	if err := fetchAndCheckout(ctx, req, rev, dir); err != nil {
		return rev, nil, err
	}
	return rev, files(t, dir), nil
}

func TestTransportsAndRefs(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	first := map[string]string{"ci/a.jsonnet": "1", "README.md": "first"}
	second := map[string]string{"ci/a.jsonnet": "2", "deep/er/file": "x\n", "link": "-> ../outside", "it's here!": ""}
	one := r.commit("main", first)
	r.git("", "tag", "light", one)
	r.git("", "tag", "-a", "-m", "annotated", "v1", one)
	r.git("", "tag", "-a", "-m", "a tag of a tag", "v1-again", "v1")
	two := r.commit("main", second)
	other := r.commit("other/branch", first)

	keys := newSSHKeys(t)
	sshAddress := r.serveSSH(keys)
	servers := map[string]git.Request{
		"http":               {URL: r.serveHTTP(plain)},
		"http with password": {URL: r.serveHTTP(basicAuth("user", "pass")), Auth: map[string][]byte{"username": []byte("user"), "password": []byte("pass\n")}},
		"git":                {URL: r.serveGit()},
		"ssh":                {URL: r.sshURL(sshAddress), Auth: keys.secret(sshAddress)},
	}
	tests := map[string]struct {
		ref  *v1alpha1.GitRef
		want git.Revision
		tree map[string]string
	}{
		"HEAD":          {nil, git.Revision{Ref: "main", Commit: two}, second},
		"branch":        {&v1alpha1.GitRef{Branch: "other/branch"}, git.Revision{Ref: "other/branch", Commit: other}, first},
		"tag":           {&v1alpha1.GitRef{Tag: "light"}, git.Revision{Ref: "light", Commit: one}, first},
		"tag object":    {&v1alpha1.GitRef{Tag: "v1"}, git.Revision{Ref: "v1", Commit: one}, first},
		"nested tag":    {&v1alpha1.GitRef{Tag: "v1-again"}, git.Revision{Ref: "v1-again", Commit: one}, first},
		"commit":        {&v1alpha1.GitRef{Commit: other}, git.Revision{Commit: other}, first},
		"tagged commit": {&v1alpha1.GitRef{Commit: one}, git.Revision{Commit: one}, first},
	}
	for server, req := range servers {
		for name, test := range tests {
			t.Run(server+"/"+name, func(t *testing.T) {
				t.Parallel()
				req := request(t, req.URL, req.Auth)
				req.Ref = test.ref
				rev, tree, err := headAndCheckout(testContext(t), t, req)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, rev); diff != "" {
					t.Errorf("revision (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.tree, tree); diff != "" {
					t.Errorf("tree (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestRevisionString(t *testing.T) {
	t.Parallel()
	got := []string{git.Revision{Ref: "main", Commit: "abc"}.String(), git.Revision{Commit: "abc"}.String()}
	if diff := cmp.Diff([]string{"main@sha1:abc", "sha1:abc"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommitByName(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	old := r.commit("main", map[string]string{"a": "old"})
	tree := r.git("", "rev-parse", old+"^{tree}")
	newest := r.git("", "commit-tree", "-p", old, "-m", "newer", tree)
	r.git("", "update-ref", "refs/heads/main", newest)
	req := request(t, r.serveHTTP(plain), nil)
	req.Ref = &v1alpha1.GitRef{Commit: old}
	if _, _, err := headAndCheckout(testContext(t), t, req); git.ReasonOf(err) != git.ReasonRefNotFound {
		t.Errorf("a server that doesn't allow it: got %v", err)
	}
	r.git("", "config", "uploadpack.allowReachableSHA1InWant", "true")
	_, got, err := headAndCheckout(testContext(t), t, req)
	if diff := cmp.Diff(map[string]string{"a": "old"}, got); err != nil || diff != "" {
		t.Errorf("a server that allows it: %v %s", err, diff)
	}
	req.Ref = &v1alpha1.GitRef{Commit: strings.Repeat("ab", 20)}
	if _, _, err := headAndCheckout(testContext(t), t, req); git.ReasonOf(err) != git.ReasonRefNotFound {
		t.Errorf("a commit that doesn't exist: got %v", err)
	}
}

func TestConcurrentCheckouts(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	want := map[string]string{"a": "1", "b/c": "2"}
	r.commit("main", want)
	req := request(t, r.serveGit(), nil)
	rev, err := git.Head(testContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		dir := t.TempDir()
		wait.Go(func() {
			if err := fetchAndCheckout(testContext(t), req, rev, dir); err != nil {
				t.Error(err)
				return
			}
			if diff := cmp.Diff(want, files(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
	wait.Wait()
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"file:///etc", "/etc", "", "ext::sh -c id", "git@github.com:acme/x.git", "https:///x", "https://host", "https://host/",
		"https://user:canary@host/x", "https://canary@host/x", "git://canary@host/x", "ssh://git:canary@host/x", "https://host/x?y", "https://host/x#y", "ftp://host/x", "git://host/a%0ab", "http://[::1/x", "https://host:canary/x",
	} {
		_, err := git.Head(testContext(t), request(t, raw, nil))
		if git.ReasonOf(err) != git.ReasonInvalidURL || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", raw, err)
		}
		if u, parseErr := url.Parse(raw); parseErr == nil && u.Scheme == "file" {
			if err := fetchAndCheckout(testContext(t), request(t, raw, nil), git.Revision{Commit: strings.Repeat("a", 40)}, t.TempDir()); git.ReasonOf(err) != git.ReasonInvalidURL {
				t.Errorf("%s: got %v", raw, err)
			}
		}
	}
}
