package e2e

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/gitea"
)

// Who may write retries and cancels Runs by comments at Gitea, and Gitea shows at the
// commit what becomes of that.
func TestCommandsOnGitea(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.commit(t, f.clone, "main.go", "package main\n")
	f.follow(t, f.through("$KAYCI_RUN"), v1alpha1.EventPullRequest)
	f.must(t, f.clone.Switch(f.ctx, "feature"))
	commit := f.commit(t, f.clone, "feature.go", "package feature\n")
	request, err := f.ada.CreatePullRequest(f.ctx, f.code, gitea.NewPullRequest{Title: "Add a feature", Head: "feature", Base: "main"})
	f.must(t, err)

	t.Log("a Run fails")
	run := f.awaitRun(t, "refs/pull/1/head", commit)
	f.awaitStatus(t, commit, f.running(run))
	f.failAt(run.Name)
	run = f.awaitEnd(t, run.Name, v1alpha1.RunFailed)
	f.awaitStatus(t, commit, f.ended(run, "failure"))

	t.Log("and is retried")
	f.must(t, f.ada.Comment(f.ctx, f.code, request.Number, "/retest"))
	retry := f.awaitOne(t, "retry of Run "+run.Name, func(other *v1alpha1.Run) bool { return other.Spec.RetryOf == run.Name })
	f.awaitStatus(t, commit, f.running(retry))
	f.openGate(retry.Name)
	retry = f.awaitEnd(t, retry.Name, v1alpha1.RunSucceeded)
	f.awaitStatus(t, commit, f.ended(retry, "success"))

	t.Log("the Run of another push is cancelled")
	commit = f.commit(t, f.clone, "feature.go", "package feature // again\n")
	run = f.awaitRun(t, "refs/pull/1/head", commit)
	f.awaitStatus(t, commit, f.running(run))
	f.must(t, f.ada.Comment(f.ctx, f.code, request.Number, "/cancel"))
	run = f.awaitEnd(t, run.Name, v1alpha1.RunCancelled)
	f.awaitStatus(t, commit, f.ended(run, "error"))
	f.expectRuns(t, 3)
}
