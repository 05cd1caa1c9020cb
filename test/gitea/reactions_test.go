package gitea_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/test/gitea"
)

// What KayCI asks Gitea for commands and paths, by a token with the rights that the
// documents name: who may write, which paths have changed, and a reaction, twice.
func TestWhatWebhooksAsk(t *testing.T) {
	ctx := t.Context()
	liz, tom := user(t, server, "liz"), user(t, server, "tom")
	must(t, liz.CreateRepository(ctx, "liz/web", false))
	clone, err := liz.Clone(ctx, "liz/web", filepath.Join(t.TempDir(), "web"), "main")
	must(t, err)
	first := push(t, clone, "README.md", "Add a README")
	second := push(t, clone, "main.go", "Say hello")
	must(t, clone.Switch(ctx, "page"))
	push(t, clone, "page.html", "Add a page")
	request, err := liz.CreatePullRequest(ctx, "liz/web", gitea.NewPullRequest{Title: "Add a page", Head: "page", Base: "main"})
	must(t, err)
	must(t, tom.Comment(ctx, "liz/web", request.Number, "/test"))
	comment, err := liz.LastComment(ctx, "liz/web", request.Number)
	must(t, err)
	token, err := liz.CreateToken(ctx, "kayci", "write:repository", "write:issue")
	must(t, err)
	host, err := githost.NewOpener(clock.RealClock{}, nil).Open(ctx, &githost.Access{
		Provider: v1alpha1.ProviderGitea, API: server.URL + "/api/v1", Secret: map[string][]byte{"token": []byte(token)},
	})
	must(t, err)

	for name, want := range map[string]bool{"liz": true, "tom": false} {
		if may, err := host.MayWrite(ctx, "liz/web", name); err != nil || may != want {
			t.Errorf("%s may write: %v, %v", name, may, err)
		}
	}
	for _, each := range []struct {
		of   githost.Change
		want []string
	}{
		{githost.Change{PullRequest: request.Number}, []string{"page.html"}},
		{githost.Change{Before: first, After: second}, []string{"main.go"}},
	} {
		paths, complete, err := host.ChangedPaths(ctx, "liz/web", each.of)
		if diff := cmp.Diff(each.want, paths); diff != "" || !complete || err != nil {
			t.Errorf("complete: %v, %v (-want +got):\n%s", complete, err, diff)
		}
	}
	reactor, can := host.(githost.Reactor)
	for range 2 {
		if !can {
			t.Fatal("Gitea takes reactions")
		}
		must(t, reactor.React(ctx, "liz/web", request.Number, event.Remark{ID: comment}, githost.ThumbsDown))
	}
	got, err := liz.Reactions(ctx, "liz/web", request.Number)
	must(t, err)
	if diff := cmp.Diff([][]string{{"-1"}}, got); diff != "" {
		t.Errorf("reactions (-want +got):\n%s", diff)
	}
}
