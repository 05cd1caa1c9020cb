package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// Gitea's own deliveries start Runs and syncs, and Gitea shows how the Runs end.
func TestGiteaTellsAndIsTold(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.follow(t, "echo first", v1alpha1.EventPush)

	t.Log("a push of a branch")
	commit := f.commit(t, f.clone, "main.go", "package main\n")
	run := f.awaitEnd(t, f.awaitRun(t, "refs/heads/main", commit).Name, v1alpha1.RunSucceeded)
	f.awaitStatus(t, commit, f.ended(run, "success"))

	t.Log("a push of a tag at the same commit, whose Run is what is shown from then on")
	f.must(t, f.clone.PushRef(f.ctx, "refs/tags/v1.0.0"))
	run = f.awaitEnd(t, f.awaitRun(t, "refs/tags/v1.0.0", commit).Name, v1alpha1.RunSucceeded)
	f.awaitStatus(t, commit, f.ended(run, "success"))

	t.Log("a push of the config repository")
	f.commit(t, f.cloneOf(t, f.ada, f.config), "web.jsonnet", f.rendered("echo second", v1alpha1.EventPush))
	f.await(t, "the second commit's Pipeline", func(ctx context.Context) (bool, string, error) {
		var pipeline v1alpha1.Pipeline
		if err := f.Client.Get(ctx, f.key("web"), &pipeline); err != nil {
			return false, "", cluster.Retry(err)
		}
		return pipeline.Generation > 1, fmt.Sprint("generation ", pipeline.Generation), nil
	})
	f.expectRuns(t, 2)
	f.expectNoSecrets(t, hookToken, giteaPassword)
}
