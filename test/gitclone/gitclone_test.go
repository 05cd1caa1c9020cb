package gitclone_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/githost"
)

func TestBranchesAndTags(t *testing.T) {
	credentials := gitclone.Credentials{Username: "ada", Password: "canary"}
	host, err := githost.Start(t.Context(), t.TempDir(), "127.0.0.1:0", credentials)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	repository, err := host.Create(t.Context(), "web", filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	push := func(c *gitclone.Clone, message string) string {
		t.Helper()
		commit, err := c.Push(t.Context(), message)
		if err != nil {
			t.Fatal(err)
		}
		return commit
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first := push(repository.Clone, "first")
	do(repository.PushRef(t.Context(), "refs/tags/v1"))
	do(repository.PushRef(t.Context(), "refs/heads/old"))
	do(repository.Switch(t.Context(), "topic"))
	topic := push(repository.Clone, "on a topic")
	do(repository.DeleteRef(t.Context(), "refs/heads/old"))
	// Another clone finds the branch at the host.
	other, err := gitclone.Make(t.Context(), repository.URL, filepath.Join(t.TempDir(), "other"), "topic", credentials)
	if err != nil {
		t.Fatal(err)
	}
	topic = strings.Join([]string{topic, push(other, "more of it")}, " ")

	refs, err := gitclone.Git(t.Context(), credentials, "ls-remote", repository.URL)
	do(err)
	log, err := gitclone.Git(t.Context(), credentials, "-C", filepath.Join(host.Dir, "web.git"), "log", "--format=%H %an %ae %s", "topic")
	do(err)
	commits := strings.Fields(topic)
	wantRefs := first + "\tHEAD\n" + first + "\trefs/heads/main\n" + commits[1] + "\trefs/heads/topic\n" + first + "\trefs/tags/v1\n"
	wantLog := commits[1] + " ada ada@example.com more of it\n" + commits[0] + " ada ada@example.com on a topic\n" + first + " ada ada@example.com first\n"
	if diff := cmp.Diff(wantRefs, refs) + cmp.Diff(wantLog, log); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
