package e2e

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// What ends while Gitea is away stands at its commits when it is back: the last word, and
// nothing behind it.
func TestGiteaIsAway(t *testing.T) {
	t.Parallel()
	f := newForgeAlone(t)
	f.follow(t, f.through("$KAYCI_GIT_SHA"), v1alpha1.EventPush)
	good := f.commit(t, f.clone, "main.go", "package main\n")
	f.must(t, f.clone.Switch(f.ctx, "feature"))
	bad := f.commit(t, f.clone, "feature.go", "package feature\n")
	passing, failing := f.awaitRun(t, "refs/heads/main", good), f.awaitRun(t, "refs/heads/feature", bad)
	f.awaitStatus(t, good, f.running(passing))
	f.awaitStatus(t, bad, f.running(failing))

	f.must(t, f.server.Stop())
	away := f.inPlaceOfGitea(t)
	f.openGate(good)
	f.failAt(bad)
	passing, failing = f.awaitEnd(t, passing.Name, v1alpha1.RunSucceeded), f.awaitEnd(t, failing.Name, v1alpha1.RunFailed)
	refused := away.refused.Load()
	f.await(t, "two more reports to be refused", func(context.Context) (bool, string, error) {
		now := away.refused.Load()
		return now >= refused+2, fmt.Sprintf("%d, %d when the Runs had ended", now, refused), nil
	})
	f.awaitReported(t, v1alpha1.ReasonHostUnavailable, passing, failing)
	f.must(t, away.Close())
	f.must(t, f.server.Resume(f.ctx))

	f.awaitReported(t, v1alpha1.ReasonReported, passing, failing)
	f.awaitStatus(t, good, f.ended(passing, "success"))
	f.awaitStatus(t, bad, f.ended(failing, "failure"))
	f.expectOrder(t, good, "success", "pending")
	f.expectOrder(t, bad, "failure", "pending")
}

// away listens where Gitea does, and hangs up on everybody.
type away struct {
	net.Listener

	refused atomic.Int64
}

func (f *forge) inPlaceOfGitea(t *testing.T) *away {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(f.ctx, "tcp", strings.TrimPrefix(f.server.URL, "http://"))
	f.must(t, err)
	a := &away{Listener: listener}
	t.Cleanup(func() { _ = listener.Close() }) // The test has, unless it failed.
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // It was closed.
			}
			_ = conn.Close() // Nobody is told anything.
			a.refused.Add(1)
		}
	}()
	return a
}

// awaitReported waits until the condition Reported of the Runs has the reason.
func (f *forge) awaitReported(t *testing.T, reason string, runs ...*v1alpha1.Run) {
	t.Helper()
	for _, run := range runs {
		f.await(t, "Run "+run.Name+" to be "+reason, func(ctx context.Context) (bool, string, error) {
			if err := f.Client.Get(ctx, f.key(run.Name), run); err != nil {
				return false, "", cluster.Retry(err)
			}
			reported := apimeta.FindStatusCondition(run.Status.Conditions, v1alpha1.ReportedCondition)
			return reported != nil && reported.Reason == reason, fmt.Sprintf("%+v", reported), nil
		})
	}
}

// expectOrder compares the states that a commit has been given, the latest first and
// without repetitions.
func (f *forge) expectOrder(t *testing.T, commit string, want ...string) {
	t.Helper()
	statuses, err := f.ada.Statuses(f.ctx, f.code, commit)
	f.must(t, err)
	var states []string
	for _, status := range statuses {
		states = append(states, status.State)
	}
	if diff := cmp.Diff(want, slices.Compact(states)); diff != "" {
		t.Errorf("what stood at %s (-want +got):\n%s\n%+v", commit, diff, statuses)
	}
}
