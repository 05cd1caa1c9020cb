package gitea_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/gitea"
)

// story is what happens to a repository of acme's, to which ada may write and of
// which ben has a fork.
type story struct {
	ada, ben    *gitea.Client
	web, fork   *gitclone.Clone
	first, hook int64
	receiver    *receiver
}

const web = "acme/web"

func newStory(t *testing.T) *story {
	t.Helper()
	ctx := t.Context()
	s := &story{ada: user(t, server, "ada"), ben: user(t, server, "ben"), receiver: newReceiver(t)}
	must(t, s.ada.CreateOrganization(ctx, "acme"))
	must(t, s.ada.CreateRepository(ctx, web, false))
	var err error
	s.hook, err = s.ada.CreateWebhook(ctx, web, gitea.Webhook{
		URL: s.receiver.url, Secret: secret,
		Events: []string{"push", "create", "delete", "release", "status", "pull_request", "issues"},
	})
	must(t, err)
	s.web, err = s.ada.Clone(ctx, web, filepath.Join(t.TempDir(), "web"), "main")
	must(t, err)
	push(t, s.web, "README.md", "Add a README")
	fork, err := s.ben.Fork(ctx, web)
	must(t, err)
	s.fork, err = s.ben.Clone(ctx, fork, filepath.Join(t.TempDir(), "fork"), "main")
	must(t, err)
	must(t, s.fork.Switch(ctx, "fix"))
	push(t, s.fork, "fix.txt", "Fix it")
	return s
}

func push(t *testing.T, c *gitclone.Clone, file, message string) string {
	t.Helper()
	must(t, c.Write(map[string]string{file: message + "\n"}))
	commit, err := c.Push(t.Context(), message)
	must(t, err)
	return commit
}

// propose has ada push a branch and open a pull request from it.
func (s *story) propose(t *testing.T, branch, title string) int64 {
	t.Helper()
	must(t, s.web.Switch(t.Context(), branch))
	push(t, s.web, branch+".html", title)
	made, err := s.ada.CreatePullRequest(t.Context(), web, gitea.NewPullRequest{Title: title, Head: branch, Base: "main"})
	must(t, err)
	return made.Number
}

// Each of these is done, and then Gitea delivers what says so, signed.
func TestEvents(t *testing.T) {
	s := newStory(t)
	ctx := t.Context()
	var second int64
	for _, step := range []struct {
		name, says string
		do         func() error
	}{
		{"push-first", "push refs/heads/main", nil},
		{"push-branch", "push refs/heads/main", func() error {
			push(t, s.web, "main.go", "Say hello")
			return nil
		}},
		{"create-branch", "create branch feature/login", func() error { return s.web.PushRef(ctx, "refs/heads/feature/login") }},
		{"push-new-branch", "push refs/heads/feature/login", nil},
		{"delete-branch", "delete branch feature/login", func() error { return s.web.DeleteRef(ctx, "refs/heads/feature/login") }},
		{"create-tag", "create tag v1.0.0", func() error { return s.web.PushRef(ctx, "refs/tags/v1.0.0") }},
		{"push-tag", "push refs/tags/v1.0.0", nil},
		{"delete-tag", "delete tag v1.0.0", func() error { return s.web.DeleteRef(ctx, "refs/tags/v1.0.0") }},
		{"release-published", "release published v1.1.0", func() error { return s.ada.CreateRelease(ctx, web, "v1.1.0", "main") }},
		{"pull-request-opened-from-fork", `pull_request opened "Fix it"`, func() error {
			made, err := s.ben.CreatePullRequest(ctx, web, gitea.NewPullRequest{Title: "Fix it", Head: "ben:fix", Base: "main"})
			s.first = made.Number
			return err
		}},
		{"pull-request-synchronized", `pull_request synchronized "Fix it"`, func() error {
			push(t, s.fork, "fix.txt", "Fix more of it")
			return nil
		}},
		{"pull-request-labeled", `pull_request label_updated "Fix it"`, func() error {
			must(t, s.ada.CreateLabel(ctx, web, "bug"))
			return s.ada.AddLabel(ctx, web, s.first, "bug")
		}},
		{"pull-request-unlabeled", `pull_request label_updated "Fix it"`, func() error { return s.ada.RemoveLabel(ctx, web, s.first, "bug") }},
		{"issue-comment-on-pull-request", `issue_comment created "/test all"`, func() error { return s.ada.Comment(ctx, web, s.first, "/test all") }},
		{"pull-request-to-draft", `pull_request edited "WIP: Fix it"`, func() error { return s.ben.Retitle(ctx, web, s.first, "WIP: Fix it") }},
		{"pull-request-from-draft", `pull_request edited "Fix it"`, func() error { return s.ben.Retitle(ctx, web, s.first, "Fix it") }},
		{"pull-request-closed", `pull_request closed "Fix it"`, func() error { return s.ben.Close(ctx, web, s.first) }},
		{"pull-request-opened", `pull_request opened "Add a page"`, func() error {
			second = s.propose(t, "page", "Add a page")
			return nil
		}},
		{"pull-request-merged", `pull_request closed "Add a page" merged`, func() error { return s.ada.Merge(ctx, web, second) }},
		{"test", "push refs/heads/main unchanged", func() error { return s.ada.TestWebhook(ctx, web, s.hook) }},
	} {
		before := len(s.receiver.all(step.says))
		if step.do != nil {
			must(t, step.do())
		} else {
			before = 0
		}
		list := s.receiver.await(t, step.says, before+1)
		got := list[len(list)-1]
		if want := signature(got.body); got.header.Get("X-Gitea-Signature") != want {
			t.Errorf("%s: the signature is %q, want %q", step.name, got.header.Get("X-Gitea-Signature"), want)
		}
		write(t, step.name, got)
	}
}

// write records a delivery, if that is asked for.
func write(t *testing.T, name string, one received) {
	t.Helper()
	if *record == "" {
		return
	}
	header, err := os.Create(filepath.Join(*record, name+".headers"))
	must(t, err)
	defer header.Close()
	must(t, one.header.Write(header))
	must(t, os.WriteFile(filepath.Join(*record, name+".json"), one.body, 0o600))
}
