package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitea"
)

// A fork's head runs when somebody who may write has said so, for that head alone.
func TestForksOnGitea(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	before := f.commit(t, f.clone, "main.go", "package main\n")
	f.follow(t, "echo hello", v1alpha1.EventPush, v1alpha1.EventPullRequest)
	ben := f.user(t, "ben")
	fork, err := ben.Fork(f.ctx, f.code)
	f.must(t, err)
	clone := f.cloneOf(t, ben, fork)
	f.must(t, clone.Switch(f.ctx, "fix"))
	first := f.commit(t, clone, "fix.go", "package fix\n")
	request, err := ben.CreatePullRequest(f.ctx, f.code, gitea.NewPullRequest{Title: "Fix it", Head: ben.Username() + ":fix", Base: "main"})
	f.must(t, err)

	t.Log("the head is held, and its author can't let it in")
	f.awaitHeld(t, first)
	f.must(t, ben.Comment(f.ctx, f.code, request.Number, "/ok-to-test "+first))
	f.awaitDecision(t, v1alpha1.DecisionRefused)

	t.Log("who may write lets it in")
	f.must(t, f.ada.Comment(f.ctx, f.code, request.Number, "Looks right.\n\n/ok-to-test "+first))
	run := f.awaitEnd(t, f.awaitRun(t, "refs/pull/1/head", first).Name, v1alpha1.RunSucceeded)
	if origin := run.Spec.Origin; !origin.Fork || origin.PullRequest != request.Number || origin.Branch != "" || origin.BaseBranch != "main" {
		t.Errorf("origin: %+v", origin)
	}
	f.awaitHeld(t)
	f.awaitStatus(t, first, f.ended(run, "success"))
	f.awaitReactions(t, request.Number, []string{"-1"}, []string{"+1"})

	t.Log("another push is held again, and a yes to the old head is refused")
	second := f.commit(t, clone, "fix.go", "package fix // again\n")
	f.awaitHeld(t, second)
	f.must(t, f.ada.Comment(f.ctx, f.code, request.Number, "/ok-to-test "+first))
	f.awaitDecision(t, v1alpha1.DecisionRefused)
	f.awaitHeld(t, second)
	f.must(t, f.ada.Close(f.ctx, f.code, request.Number))
	f.awaitHeld(t)
	f.expectRuns(t, 1, before)
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
