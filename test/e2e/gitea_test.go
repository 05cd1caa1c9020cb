package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitclone"
	"github.com/kayci/kayci/test/gitea"
)

// giteaPassword must not appear in any text.
const giteaPassword = "canary-gitea-5e0c97"

// forge is a Gitea of a test's own, and what ada has there: a repository of code and
// a config repository.
type forge struct {
	*space

	server       *gitea.Server
	ada          *gitea.Client
	code, config string
	clone        *gitclone.Clone
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{space: newSpace(t), code: "ada/web", config: "ada/pipelines"}
	source, err := filepath.Abs("../..")
	f.must(t, err)
	program, err := gitea.Build(f.ctx, source, os.Stderr)
	f.must(t, err)
	f.server, err = gitea.Start(f.ctx, gitea.Options{Program: program, Dir: t.TempDir(), Host: shared.address})
	f.must(t, err)
	t.Cleanup(func() {
		if err := f.server.Stop(); err != nil {
			t.Error(err)
		}
	})
	f.ada, err = f.server.Admin().CreateUser(f.ctx, "ada", giteaPassword)
	f.must(t, err)
	for _, repository := range []string{f.code, f.config} {
		f.must(t, f.ada.CreateRepository(f.ctx, repository, false))
	}
	f.clone = f.cloneOf(t, f.ada, f.code)
	return f
}

func (f *forge) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *forge) cloneOf(t *testing.T, as *gitea.Client, repository string) *gitclone.Clone {
	t.Helper()
	clone, err := as.Clone(f.ctx, repository, filepath.Join(t.TempDir(), "clone"), "main")
	f.must(t, err)
	return clone
}

// commit pushes a change of one file to the clone's branch.
func (f *forge) commit(t *testing.T, clone *gitclone.Clone, file, content string) string {
	t.Helper()
	f.must(t, clone.Write(map[string]string{file: content}))
	commit, err := clone.Push(f.ctx, "Change "+file)
	f.must(t, err)
	return commit
}

// tell has Gitea deliver a repository's events to a path of KayCI's.
func (f *forge) tell(t *testing.T, repository, path string, events ...string) {
	t.Helper()
	_, err := f.ada.CreateWebhook(f.ctx, repository, gitea.Webhook{URL: shared.hooks + path, Secret: hookToken, Events: events})
	f.must(t, err)
}

// rendered is what the config repository holds: a Pipeline whose one job says a word,
// and the Trigger that starts it and reports.
func (f *forge) rendered(word string) string {
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';
[
  ci.pipeline('web', params=['git_sha'], jobs=[ci.job('say', ci.script('%s', 'echo %s; case $KAYCI_GIT_SHA in none) exit 1;; esac'))]),
  ci.trigger.gitea('web', 'web', secret='hook', events=['push', 'pull_request'], params={ git_sha: 'event.sha' })
  + { spec+: { report: { secretRef: { name: 'gitea' }, api: '%s/api/v1', url: 'https://ci.example.com/{namespace}/{run}' } } },
]
`, busybox, word, f.server.URL)
}

// follow has KayCI follow the config repository, and Gitea tell of its pushes and of
// the code's.
func (f *forge) follow(t *testing.T) {
	t.Helper()
	token, err := f.ada.CreateToken(f.ctx, "kayci", "write:repository", "write:issue", "read:user")
	f.must(t, err)
	f.commit(t, f.cloneOf(t, f.ada, f.config), "web.jsonnet", f.rendered("first"))
	repo := f.configRepo("pipelines", f.ada.CloneURL(f.config))
	repo.Spec.Webhook = &v1alpha1.ConfigRepoWebhook{Provider: v1alpha1.ProviderGitea, SecretRef: meta.LocalObjectReference{Name: "hook"}}
	f.create(t, f.secret("gitea", map[string]string{"token": token}), repo)
	f.await(t, "ConfigRepo pipelines", func(ctx context.Context) (bool, string, error) {
		if err := f.Client.Get(ctx, f.key(repo.Name), repo); err != nil {
			return false, "", cluster.Retry(err)
		}
		return apimeta.IsStatusConditionTrue(repo.Status.Conditions, meta.ReadyCondition) && repo.Status.WebhookPath != "", fmt.Sprint(repo.Status), nil
	})
	f.tell(t, f.config, repo.Status.WebhookPath, "push")
	var trigger v1alpha1.Trigger
	f.await(t, "Trigger web", func(ctx context.Context) (bool, string, error) {
		if err := f.Client.Get(ctx, f.key("web"), &trigger); err != nil {
			return false, "", cluster.Retry(err)
		}
		return apimeta.IsStatusConditionTrue(trigger.Status.Conditions, meta.ReadyCondition), fmt.Sprint(trigger.Status), nil
	})
	f.tell(t, f.code, trigger.Status.WebhookPath, "push", "pull_request", "pull_request_comment", "pull_request_label", "pull_request_sync")
}

// runOf waits for the one Run of a commit, and for its end.
func (f *forge) runOf(t *testing.T, commit string) *v1alpha1.Run {
	t.Helper()
	var name string
	f.await(t, "a Run of "+commit, func(ctx context.Context) (bool, string, error) {
		var list v1alpha1.RunList
		if err := f.Client.List(ctx, &list, client.InNamespace(f.namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		found := 0
		for i := range list.Items {
			if origin := list.Items[i].Spec.Origin; origin != nil && origin.SHA == commit {
				name = list.Items[i].Name
				found++
			}
		}
		return found == 1, fmt.Sprintf("%d Runs", found), nil
	})
	return f.awaitEnd(t, name, v1alpha1.RunSucceeded)
}

// awaitStatus waits for what Gitea shows at a commit.
func (f *forge) awaitStatus(t *testing.T, commit string, want gitea.Status) {
	t.Helper()
	f.await(t, "the status of "+commit, func(ctx context.Context) (bool, string, error) {
		_, latest, err := f.ada.CombinedStatus(ctx, f.code, commit)
		if err != nil {
			return false, "", err
		}
		return cmp.Equal([]gitea.Status{want}, latest), fmt.Sprintf("%+v, want %+v", latest, want), nil
	})
}

// success is what stands at the commit of a Run that has succeeded.
func (f *forge) success(run *v1alpha1.Run) gitea.Status {
	return gitea.Status{
		Context: "kayci/web", State: "success",
		Description: apimeta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition).Message,
		TargetURL:   "https://ci.example.com/" + f.namespace + "/" + run.Name,
	}
}

// Gitea's own deliveries start Runs and syncs, and Gitea shows how the Runs end.
func TestGiteaTellsAndIsTold(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.follow(t)

	t.Log("a push of a branch")
	commit := f.commit(t, f.clone, "main.go", "package main\n")
	run := f.runOf(t, commit)
	f.awaitStatus(t, commit, f.success(run))

	t.Log("a push of the config repository")
	f.commit(t, f.cloneOf(t, f.ada, f.config), "web.jsonnet", f.rendered("second"))
	f.await(t, "the second commit's Pipeline", func(ctx context.Context) (bool, string, error) {
		var pipeline v1alpha1.Pipeline
		if err := f.Client.Get(ctx, f.key("web"), &pipeline); err != nil {
			return false, "", cluster.Retry(err)
		}
		return pipeline.Generation > 1, fmt.Sprint("generation ", pipeline.Generation), nil
	})

	t.Log("a push while Gitea is away when its Run ends")
	f.must(t, f.clone.Switch(f.ctx, "feature"))
	commit = f.commit(t, f.clone, "feature.go", "package feature\n")
	run = f.runOf(t, commit)
	f.must(t, f.server.Stop())
	f.must(t, f.server.Resume(f.ctx))
	f.awaitStatus(t, commit, f.success(run))
	f.expectNoSecrets(t, hookToken, giteaPassword)
}

// awaitHeld waits until the Trigger holds exactly these heads.
func (f *forge) awaitHeld(t *testing.T, want ...string) {
	t.Helper()
	f.await(t, "the held heads", func(ctx context.Context) (bool, string, error) {
		var trigger v1alpha1.Trigger
		if err := f.Client.Get(ctx, f.key("web"), &trigger); err != nil {
			return false, "", cluster.Retry(err)
		}
		var held []string
		for _, head := range trigger.Status.Held {
			held = append(held, head.SHA)
		}
		return cmp.Equal(want, held), fmt.Sprintf("held: %v, decisions: %+v", held, trigger.Status.Recent), nil
	})
}

// awaitDecision waits until the Trigger's last decision has the outcome.
func (f *forge) awaitDecision(t *testing.T, outcome v1alpha1.DecisionOutcome) {
	t.Helper()
	f.await(t, "the decision "+string(outcome), func(ctx context.Context) (bool, string, error) {
		var trigger v1alpha1.Trigger
		if err := f.Client.Get(ctx, f.key("web"), &trigger); err != nil {
			return false, "", cluster.Retry(err)
		}
		recent := trigger.Status.Recent
		return len(recent) > 0 && recent[0].Outcome == outcome, fmt.Sprintf("%+v", recent), nil
	})
}

// awaitReactions waits until the pull request's comments, the first one first, have
// exactly these.
func (f *forge) awaitReactions(t *testing.T, number int64, want ...[]string) {
	t.Helper()
	f.await(t, "the reactions", func(ctx context.Context) (bool, string, error) {
		got, err := f.ada.Reactions(ctx, f.code, number)
		return cmp.Equal(want, got), fmt.Sprint(got), err
	})
}

// A fork's head runs when somebody who may write has said so, for that head alone.
func TestForksOnGitea(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.commit(t, f.clone, "main.go", "package main\n")
	f.follow(t)
	ben, err := f.server.Admin().CreateUser(f.ctx, "ben", giteaPassword)
	f.must(t, err)
	fork, err := ben.Fork(f.ctx, f.code)
	f.must(t, err)
	clone := f.cloneOf(t, ben, fork)
	f.must(t, clone.Switch(f.ctx, "fix"))
	first := f.commit(t, clone, "fix.go", "package fix\n")
	request, err := ben.CreatePullRequest(f.ctx, f.code, gitea.NewPullRequest{Title: "Fix it", Head: "ben:fix", Base: "main"})
	f.must(t, err)

	t.Log("the head is held, and its author can't let it in")
	f.awaitHeld(t, first)
	f.must(t, ben.Comment(f.ctx, f.code, request.Number, "/ok-to-test "+first))
	f.awaitDecision(t, v1alpha1.DecisionRefused)

	t.Log("who may write lets it in")
	f.must(t, f.ada.Comment(f.ctx, f.code, request.Number, "Looks right.\n\n/ok-to-test "+first))
	run := f.runOf(t, first)
	if origin := run.Spec.Origin; !origin.Fork || origin.PullRequest != request.Number || origin.Branch != "" {
		t.Errorf("origin: %+v", origin)
	}
	f.awaitHeld(t)
	f.awaitStatus(t, first, f.success(run))
	f.awaitReactions(t, request.Number, []string{"-1"}, []string{"+1"})

	t.Log("another push is held again, and a yes to the old head is refused")
	second := f.commit(t, clone, "fix.go", "package fix // again\n")
	f.awaitHeld(t, second)
	f.must(t, f.ada.Comment(f.ctx, f.code, request.Number, "/ok-to-test "+first))
	f.awaitDecision(t, v1alpha1.DecisionRefused)
	f.awaitHeld(t, second)
	f.must(t, f.ada.Close(f.ctx, f.code, request.Number))
	f.awaitHeld(t)
	if names, err := f.names(f.ctx, &v1alpha1.RunList{}); err != nil || len(names) != 1 {
		t.Errorf("Runs: %v, %v; want one", names, err)
	}
}
