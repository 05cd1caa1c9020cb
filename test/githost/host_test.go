package githost_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/test/githost"
)

func TestPushedFilesAreServed(t *testing.T) {
	host := start(t)
	repository := create(t, host, "config")
	if err := repository.Copy(fstest.MapFS{"ci/a.txt": {Data: []byte("one")}, "ci/b.txt": {Data: []byte("two")}}); err != nil {
		t.Fatal(err)
	}
	push(t, repository, "two files")
	if err := repository.Write(map[string]string{"ci/a.txt": "three"}); err != nil {
		t.Fatal(err)
	}
	if err := repository.Remove("ci/b.txt"); err != nil {
		t.Fatal(err)
	}
	if err := repository.Link("ci/c", "/etc/passwd"); err != nil {
		t.Fatal(err)
	}
	commit := push(t, repository, "edit, remove and link")

	clone := filepath.Join(t.TempDir(), "clone")
	git(t, "clone", "--quiet", repository.URL, clone)
	got := map[string]string{
		"commit": git(t, "-C", clone, "rev-parse", "HEAD"),
		"files":  git(t, "-C", clone, "ls-files"),
		"a.txt":  git(t, "-C", clone, "show", "HEAD:ci/a.txt"),
		"c":      git(t, "-C", clone, "show", "HEAD:ci/c"),
	}
	want := map[string]string{"commit": commit, "files": "ci/a.txt\nci/c", "a.txt": "three", "c": "/etc/passwd"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("clone (-want +got):\n%s", diff)
	}
}

func TestCredentialsGuardPushesAndPrivateRepositories(t *testing.T) {
	host := start(t)
	public, private := create(t, host, "public"), create(t, host, "private/secret")
	push(t, public, "first")
	push(t, private, "first")

	withPassword := func(url string) string { return strings.Replace(url, "http://", "http://kayci:canary@", 1) }
	for _, test := range []struct {
		name    string
		args    []string
		allowed bool
	}{
		{"read public", []string{"ls-remote", public.URL}, true},
		{"read private", []string{"ls-remote", private.URL}, false},
		{"read private by another spelling", []string{"ls-remote", strings.Replace(private.URL, "/private/", "/x/../private/", 1)}, false},
		{"read private with the password", []string{"ls-remote", withPassword(private.URL)}, true},
		{"read private with a wrong password", []string{"ls-remote", strings.Replace(withPassword(private.URL), "canary", "wrong", 1)}, false},
		{"push to public", []string{"push", public.URL, "HEAD:refs/heads/other"}, false},
		{"push to public with the password", []string{"push", withPassword(public.URL), "HEAD:refs/heads/other"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := gitCommand(t, test.args...)
			cmd.Dir = newCommit(t)
			if out, err := cmd.CombinedOutput(); (err == nil) != test.allowed {
				t.Errorf("git %s: err = %v, want allowed = %v\n%s", strings.Join(test.args, " "), err, test.allowed, out)
			}
		})
	}
}

func TestErrorsDontShowCredentials(t *testing.T) {
	host := start(t)
	repository := create(t, host, "gone")
	if err := host.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := repository.Push(t.Context(), "nobody listens")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("err = %v, want one without the password", err)
	}
}

func start(t *testing.T) *githost.Host {
	t.Helper()
	host, err := githost.Start(t.Context(), t.TempDir(), "127.0.0.1:0", githost.Credentials{Username: "kayci", Password: "canary"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return host
}

func create(t *testing.T, host *githost.Host, name string) *githost.Repository {
	t.Helper()
	repository, err := host.Create(t.Context(), name, filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

func push(t *testing.T, repository *githost.Repository, message string) string {
	t.Helper()
	commit, err := repository.Push(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	return commit
}

func newCommit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, "init", "--quiet", dir)
	git(t, "-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message", "x")
	return dir
}

func git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := gitCommand(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func gitCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0")
	return cmd
}
