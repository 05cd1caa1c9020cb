package event

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestParseGitea(t *testing.T) {
	const (
		clone  = "https://git.example.com/acme/web.git"
		commit = "https://git.example.com/acme/web/commit/"
		page   = "https://git.example.com/acme/web/pulls/"
		main   = "a73be0d04a25f627c21bf497512a4871d3196458"
		first  = "27f268d3e1b3edf8574fba7f1b6d58230eeff9c8"
		second = "737aa20cba92c79bd8c36e1f87743ae54064aad5"
	)
	forked := PullRequest{
		Number: 1, Title: "Fix it", Author: "ben", Head: "fix", Base: "main", HeadRepository: "ben/web", Fork: true, URL: page + "1",
	}
	draft, labeled := forked, forked
	draft.Title, draft.Draft = "WIP: Fix it", true
	labeled.Labels = []string{"bug"}
	of := func(action v1alpha1.EventAction, sha, sender string, pull PullRequest, edit func(*Event)) []*Event {
		e := &Event{
			Kind: "pull_request", Action: action, Repository: "acme/web", CloneURL: clone, SHA: sha, Ref: "refs/pull/1/head",
			Sender: sender, Title: pull.Title, URL: pull.URL, PathsGap: GapPull, PullRequest: pull,
		}
		if edit != nil {
			edit(e)
		}
		return []*Event{e}
	}
	expectParsed(t, v1alpha1.ProviderGitea, []parseCase{
		{"gitea-push", "push", []*Event{{
			Kind: "push", Repository: "acme/web", CloneURL: clone, SHA: head, Before: before, URL: commit + head,
			Ref: "refs/heads/main", Branch: "main", Sender: "mona", Author: "mona", Title: "Fix the parser", Message: message + "\n", Paths: changed(),
		}}},
		{"gitea-tag", "push", []*Event{{
			Kind: "push", Repository: "acme/web", CloneURL: clone, SHA: head, Created: true, URL: commit + head,
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Sender: "mona", Author: "mona", Title: "Fix the parser", Message: message + "\n", PathsGap: "the ref is new",
		}}},
		{"gitea-push-new", "push", []*Event{{
			Kind: "push", Repository: "acme/web", CloneURL: clone, SHA: main, Created: true, URL: commit + main,
			Ref: "refs/heads/feature/login", Branch: "feature/login", Sender: "ada", Author: "ada", Title: "Say hello", Message: "Say hello\n", PathsGap: "the ref is new",
		}}},
		{"gitea-test", "push", kinds("ping")},
		{"gitea-delete", "delete", kinds("delete")},
		{"gitea-pull-opened", "pull_request", of("opened", first, "ben", forked, nil)},
		{"gitea-pull-updated", "pull_request", of("updated", second, "ben", forked, nil)},
		{"gitea-pull-drafted", "pull_request", of("drafted", second, "ben", draft, nil)},
		{"gitea-pull-ready", "pull_request", of("ready", second, "ben", forked, nil)},
		// Which label it was Gitea doesn't say.
		{"gitea-pull-labeled", "pull_request", of("label_updated", second, "ada", labeled, nil)},
		{"gitea-pull-merged", "pull_request", []*Event{{
			Kind: "pull_request", Action: "merged", Repository: "acme/web", CloneURL: clone, SHA: "1e3972c7d189e7d5fc8ae3377557711785c6d43a",
			MergeSHA: "d6a06eb3b1a4240ee0ab96bead67bd0329abb1d7", Ref: "refs/pull/2/head", Sender: "ada", Title: "Add a page", URL: page + "2", PathsGap: GapPull,
			PullRequest: PullRequest{Number: 2, Title: "Add a page", Author: "ada", Head: "page", Base: "main", HeadRepository: "acme/web", URL: page + "2"},
		}}},
		{"gitea-comment", "issue_comment", of("created", second, "ada", forked, func(e *Event) {
			e.Kind, e.URL = "comment", page+"1#issuecomment-5"
			e.Comment = Comment{Body: "/test all", Author: "ada", Command: "test", Args: []string{"all"}}
			e.Remark.ID = 5
		})},
		{"gitea-release", "release", []*Event{{
			Kind: "release", Action: "published", Repository: "acme/web", CloneURL: clone, Ref: "refs/tags/v1.1.0", Tag: "v1.1.0",
			Sender: "ada", Author: "ada", Title: "v1.1.0", URL: "https://git.example.com/acme/web/releases/tag/v1.1.0", PathsGap: gapRelease,
			Release: Release{Name: "v1.1.0", Tag: "v1.1.0", URL: "https://git.example.com/acme/web/releases/tag/v1.1.0"},
		}}},
		{"gitea-push", "issues<script>", kinds("issuesscript")},
		{"gitea-push", "", kinds("unnamed")},
	})
}

// Older versions have no draft, and newer ones say which labels.
func TestGiteaActions(t *testing.T) {
	was := func(title string) map[string]any { return map[string]any{"title": map[string]any{"from": title}} }
	pull := func(title string) map[string]any {
		return map[string]any{"number": 1, "title": title, "head": map[string]any{"sha": head}}
	}
	named := func(name string) []any {
		return []any{map[string]any{"name": name}, nil, map[string]any{"name": "a\nb"}}
	}
	expectActions(t, v1alpha1.ProviderGitea, "pull_request", "gitea-pull-opened", []actionCase{
		{map[string]any{"action": "closed"}, "closed"},
		{map[string]any{"action": "reopened"}, "reopened"},
		{map[string]any{"action": "reviewed"}, "reviewed"},
		{map[string]any{"action": "edited"}, "edited"},
		{map[string]any{"action": "edited", "changes": was("Fix"), "pull_request": pull("Fix it")}, "edited"},
		{map[string]any{"action": "edited", "changes": was("Fix it"), "pull_request": pull("[wip] Fix it")}, "drafted"},
		{map[string]any{"action": "edited", "changes": was("wip: Fix it"), "pull_request": pull("Fix it")}, "ready"},
		{map[string]any{"action": "label_updated", "changes": map[string]any{"added_labels": named("bug"), "removed_labels": named("ok-to-test")}}, "labeled bug, unlabeled ok-to-test"},
		{map[string]any{"action": "label_cleared"}, "unlabeled"},
	})
}
