package gitea_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/test/gitea"
)

// An outage loses nothing: what was stored is there afterwards, and so is what was
// promised to webhooks.
func TestRestartKeepsData(t *testing.T) {
	ctx := t.Context()
	s, err := gitea.Start(ctx, options(t.TempDir()))
	must(t, err)
	t.Cleanup(func() { must(t, s.Stop()) })
	ada := user(t, s, "ada")
	r := newReceiver(t)
	must(t, ada.CreateRepository(ctx, "ada/web", true))
	_, err = ada.CreateWebhook(ctx, "ada/web", gitea.Webhook{URL: r.url, Secret: secret, Events: []string{"push"}, Branches: "main"})
	must(t, err)
	c, err := ada.Clone(ctx, "ada/web", filepath.Join(t.TempDir(), "web"), "main")
	must(t, err)
	commit := push(t, c, "README.md", "Add a README")
	r.await(t, "push refs/heads/main", 1)
	must(t, ada.SetStatus(ctx, "ada/web", commit, gitea.Status{Context: "ci", State: "pending"}))
	must(t, ada.SetStatus(ctx, "ada/web", commit, gitea.Status{Context: "ci", State: "success", Description: "All is well", TargetURL: "http://ci.example.com/1"}))

	must(t, s.Stop())
	if _, err := ada.File(ctx, "ada/web", "README.md", "main"); err == nil {
		t.Fatal("a server that was stopped answers")
	}
	must(t, s.Resume(ctx))

	file, err := ada.File(ctx, "ada/web", "README.md", commit)
	must(t, err)
	all, err := ada.Statuses(ctx, "ada/web", commit)
	must(t, err)
	state, latest, err := ada.CombinedStatus(ctx, "ada/web", commit)
	must(t, err)
	success := gitea.Status{Context: "ci", State: "success", Description: "All is well", TargetURL: "http://ci.example.com/1"}
	diff := cmp.Diff([]any{"Add a README\n", "success", []gitea.Status{success, {Context: "ci", State: "pending"}}, []gitea.Status{success}},
		[]any{string(file), state, all, latest})
	if diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	push(t, c, "README.md", "Add to it")
	r.await(t, "push refs/heads/main", 2)
}

// A delivery that failed stays failed until somebody asks for it again, and then has
// an ID of its own.
func TestRedelivery(t *testing.T) {
	ctx := t.Context()
	zoe := user(t, server, "zoe")
	r := newReceiver(t)
	must(t, zoe.CreateRepository(ctx, "zoe/web", false))
	hook, err := zoe.CreateWebhook(ctx, "zoe/web", gitea.Webhook{URL: r.url, Secret: secret, Events: []string{"push"}})
	must(t, err)
	c, err := zoe.Clone(ctx, "zoe/web", filepath.Join(t.TempDir(), "web"), "main")
	must(t, err)
	r.answer(http.StatusServiceUnavailable)
	push(t, c, "README.md", "Add a README")
	first := r.await(t, "push refs/heads/main", 1)[0]
	awaitStates(t, zoe, "zoe/web", hook, gitea.DeliveryFailed)

	r.answer(http.StatusOK)
	must(t, zoe.Redeliver(ctx, "zoe/web", hook, first.header.Get("X-Gitea-Delivery")))
	again := r.await(t, "push refs/heads/main", 2)[1]
	awaitStates(t, zoe, "zoe/web", hook, gitea.DeliveryFailed, gitea.DeliverySucceeded)
	if first.header.Get("X-Gitea-Delivery") == again.header.Get("X-Gitea-Delivery") {
		t.Error("both deliveries have the same ID")
	}
	if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" {
		t.Errorf("what was delivered again differs (-first +again):\n%s", diff)
	}
	err = zoe.Redeliver(ctx, "zoe/web", hook, "00000000-0000-0000-0000-000000000000")
	if !gitea.IsStatus(err, http.StatusNotFound) {
		t.Errorf("an unknown delivery: %v, want not found", err)
	}
}

func TestRights(t *testing.T) {
	ctx := t.Context()
	owner, other := user(t, server, "owner"), user(t, server, "other")
	must(t, owner.CreateRepository(ctx, "owner/web", true))
	c, err := owner.Clone(ctx, "owner/web", filepath.Join(t.TempDir(), "web"), "main")
	must(t, err)
	commit := push(t, c, "README.md", "Add a README")
	set := func(c *gitea.Client) error {
		return c.SetStatus(ctx, "owner/web", commit, gitea.Status{Context: "ci", State: "success"})
	}
	if err := set(other); !gitea.IsStatus(err, http.StatusNotFound) {
		t.Errorf("a stranger's status: %v, want not found", err)
	}
	must(t, owner.SetCollaborator(ctx, "owner/web", "other", "read"))
	if err := set(other); !gitea.IsStatus(err, http.StatusForbidden) {
		t.Errorf("a reader's status: %v, want forbidden", err)
	}
	must(t, owner.SetCollaborator(ctx, "owner/web", "other", "write"))
	must(t, set(other))
	read, err := other.CreateToken(ctx, "read", "read:repository")
	must(t, err)
	if err := set(other.WithToken(read)); !gitea.IsStatus(err, http.StatusForbidden) {
		t.Errorf("a status with a token to read: %v, want forbidden", err)
	}
	write, err := other.CreateToken(ctx, "write", "write:repository")
	must(t, err)
	must(t, set(other.WithToken(write)))
	clone, err := other.WithToken(write).Clone(ctx, "owner/web", filepath.Join(t.TempDir(), "other"), "main")
	must(t, err)
	push(t, clone, "other.txt", "Push with a token")
}
