package match

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

var update = flag.Bool("update", false, "write the golden files")

// payloads of each provider, as it documents them: the header that names the event, and
// the file.
func payloads() map[v1alpha1.Provider][][2]string {
	return map[v1alpha1.Provider][][2]string{
		v1alpha1.ProviderGitHub: {
			{"push", "github-push"},
			{"push", "github-tag"},
			{"push", "github-delete"},
			{"pull_request", "github-pull-opened"},
			{"pull_request", "github-pull-synchronize"},
			{"pull_request", "github-pull-labeled"},
			{"issue_comment", "github-comment"},
			{"release", "github-release"},
			{"issues", "github-push"},
		},
		v1alpha1.ProviderGitLab: {
			{"Push Hook", "gitlab-push"},
			{"Tag Push Hook", "gitlab-tag"},
			{"Push Hook", "gitlab-delete"},
			{"Merge Request Hook", "gitlab-merge-opened"},
			{"Merge Request Hook", "gitlab-merge-updated"},
			{"Merge Request Hook", "gitlab-merge-edited"},
			{"Note Hook", "gitlab-note"},
			{"Release Hook", "gitlab-release"},
		},
		v1alpha1.ProviderGitea: {
			{"push", "gitea-push"},
			{"push", "gitea-tag"},
			{"delete", "gitea-delete"},
			{"push", "gitea-test"},
			{"pull_request", "gitea-pull-opened"},
			{"pull_request", "gitea-pull-drafted"},
			{"pull_request", "gitea-pull-labeled"},
			{"issue_comment", "gitea-comment"},
			{"release", "gitea-release"},
		},
		v1alpha1.ProviderBitbucket: {
			{"repo:push", "bitbucket-push"},
			{"repo:push", "bitbucket-push-many"},
			{"pullrequest:created", "bitbucket-pull-created"},
			{"pullrequest:fulfilled", "bitbucket-pull-fulfilled"},
			{"pullrequest:comment_created", "bitbucket-comment"},
		},
		v1alpha1.ProviderBitbucketServer: {
			{"repo:refs_changed", "datacenter-push"},
			{"repo:refs_changed", "datacenter-push-many"},
			{"pr:opened", "datacenter-pull-opened"},
			{"pr:from_ref_updated", "datacenter-pull-updated"},
			{"pr:comment:added", "datacenter-comment"},
			{"diagnostics:ping", "datacenter-ping"},
		},
	}
}

// webhooks are asked about every payload, by their names.
func webhooks() map[string]v1alpha1.Webhook {
	pulls := []v1alpha1.EventKind{v1alpha1.EventPullRequest}
	return map[string]v1alpha1.Webhook{
		"pushes":   {},
		"main":     {Branches: []string{"main"}},
		"releases": {Events: []v1alpha1.EventKind{v1alpha1.EventPush, v1alpha1.EventRelease}, Tags: []string{"v*"}},
		"sources":  {Events: []v1alpha1.EventKind{v1alpha1.EventPush, v1alpha1.EventPullRequest}, Paths: []string{"src/**"}},
		"pulls":    {Events: pulls, Branches: []string{"main"}},
		"ready":    {Events: pulls, Drafts: v1alpha1.DraftsIgnore, If: "!event.pullRequest.fork"},
		"labeled":  {Events: pulls, Actions: []v1alpha1.EventAction{v1alpha1.ActionLabeled}, Labels: []string{"ok-to-test", "bug"}},
		"comments": {Events: []v1alpha1.EventKind{v1alpha1.EventComment}, If: "event.comment.command != ''"},
	}
}

// TestPayloads: what becomes of what a provider sends, with the reason. A golden file for
// each has the decision of each webhook about each event.
func TestPayloads(t *testing.T) {
	for provider, all := range payloads() {
		t.Run(string(provider), func(t *testing.T) {
			var got strings.Builder
			for _, payload := range all {
				header, file := payload[0], payload[1]
				raw, err := os.ReadFile(filepath.Join("..", "event", "testdata", file+".json"))
				if err != nil {
					t.Fatal(err)
				}
				events, err := event.Parse(provider, header, raw)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					fmt.Fprintln(&got, strings.TrimSpace(fmt.Sprintf("%s of %s %s", header, file, e.Part)))
					got.WriteString(decisionsOf(t, provider, e))
				}
			}
			golden(t, filepath.Join("testdata", string(provider)+".golden.txt"), got.String())
		})
	}
}

// decisionsOf all webhooks about an event, a line for each.
func decisionsOf(t *testing.T, provider v1alpha1.Provider, e *event.Event) string {
	t.Helper()
	env, err := expr.SharedTriggerEnv()
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	all := webhooks()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		webhook := all[name]
		webhook.Provider = provider
		decision := Decide(env, &v1alpha1.TriggerSpec{Webhook: &webhook}, e, nil)
		fmt.Fprintf(&lines, "  %s: %s, %s", name, decision.Outcome, decision.Reason)
		if len(decision.Unknown) > 0 {
			fmt.Fprintf(&lines, " %v", decision.Unknown)
		}
		lines.WriteString("\n")
	}
	return lines.String()
}

// golden compares text with a file, or writes the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
