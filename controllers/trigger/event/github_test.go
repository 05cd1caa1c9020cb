package event

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Commits of the payloads.
const (
	head    = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	before  = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"
	oldHead = "762941318ee16e59dabbacb1b4049eec22f0d303"
	merged  = "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c"
	zero    = "0000000000000000000000000000000000000000"
)

const message = "Fix the parser\n\nIt read one byte too many."

func changed() []string { return []string{"README.md", "src/old.go", "src/parser.go"} }

func TestParseGitHub(t *testing.T) {
	const clone, commit, page = "https://github.com/acme/web.git", "https://github.com/acme/web/commit/" + head, "https://github.com/acme/web/pull/7"
	own := PullRequest{
		Number: 7, Title: "Fix the parser", Author: "ada", Head: "fix-parser", Base: "main",
		HeadRepository: "acme/web", URL: page,
	}
	forked := own
	forked.Author, forked.HeadRepository, forked.Fork, forked.Labels = "ben", "ben/web", true, []string{"bug", "good first issue"}
	gone := forked
	gone.HeadRepository, gone.Labels = "", []string{"ok-to-test"}
	unseen := gone
	unseen.Labels, unseen.Head, unseen.Base = []string{"bug"}, "", ""
	pulled := func(action v1alpha1.EventAction, sender string, pull PullRequest, edit func(*Event)) []*Event {
		e := &Event{
			Kind: "pull_request", Action: action, Repository: "acme/web", CloneURL: clone, SHA: head, Ref: "refs/pull/7/head",
			Sender: sender, Title: "Fix the parser", URL: page, PathsGap: GapPull, PullRequest: pull,
		}
		if edit != nil {
			edit(e)
		}
		return []*Event{e}
	}
	expectParsed(t, v1alpha1.ProviderGitHub, []parseCase{
		{"github-push", "push", []*Event{{
			Kind: "push", Repository: "acme/web", CloneURL: clone, SHA: head, Before: before, URL: commit,
			Ref: "refs/heads/main", Branch: "main", Sender: "mona", Author: "mona", Title: "Fix the parser", Message: message, Paths: changed(),
		}}},
		{"github-tag", "push", []*Event{{
			Kind: "push", Repository: "acme/web", CloneURL: clone, SHA: head, Created: true, URL: commit,
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Sender: "mona", Author: "mona", Title: "Fix the parser", Message: message, PathsGap: "the ref is new",
		}}},
		{"github-delete", "push", []*Event{{
			Kind: "push", Repository: "acme/web", CloneURL: clone, Before: before,
			Ref: "refs/heads/old-idea", Branch: "old-idea", Sender: "mona", Deleted: true,
		}}},
		{"github-pull-opened", "pull_request", pulled("opened", "ada", own, nil)},
		{"github-pull-synchronize", "pull_request", pulled("updated", "ben", forked, func(e *Event) { e.Before, e.MergeSHA = oldHead, merged })},
		{"github-pull-merged", "pull_request", pulled("merged", "ada", own, func(e *Event) { e.MergeSHA = merged })},
		{"github-pull-labeled", "pull_request", pulled("labeled", "ada", gone, func(e *Event) { e.MergeSHA, e.Label = merged, "ok-to-test" })},
		{"github-comment", "issue_comment", pulled("created", "ada", unseen, func(e *Event) {
			e.Kind, e.SHA, e.URL = "comment", "", page+"#issuecomment-501"
			e.Comment = Comment{Body: "Looks good to me.\r\n\r\n/ok-to-test 6113728\r\n", Author: "ada", Command: "ok-to-test", Args: []string{"6113728"}}
			e.Remark.ID = 501
		})},
		{"github-comment-line", "pull_request_review_comment", pulled("created", "ada", forked, func(e *Event) {
			e.Kind, e.MergeSHA, e.URL = "comment", merged, page+"#discussion_r601"
			e.Comment = Comment{Body: "Why?", Author: "ada"}
			e.Remark = Remark{ID: 601, Line: true}
		})},
		{"github-comment-issue", "issue_comment", kinds("issue_comment")},
		{"github-release", "release", []*Event{{
			Kind: "release", Action: "published", Repository: "acme/web", CloneURL: clone, Ref: "refs/tags/v1.4.0", Tag: "v1.4.0",
			Sender: "ada", Author: "ada", Title: "1.4: the parser", URL: "https://github.com/acme/web/releases/tag/v1.4.0", PathsGap: gapRelease,
			Release: Release{Name: "1.4: the parser", Tag: "v1.4.0", Prerelease: true, URL: "https://github.com/acme/web/releases/tag/v1.4.0"},
		}}},
		{"github-check-rerequested", "check_run", []*Event{{Kind: KindRerun, Repository: "acme/web", SHA: head, Sender: "mona", Check: "ci/web-push/web-push-3f9k2c/6f1a"}}},
		{"github-check-created", "check_run", kinds("check_run")},
		{"github-suite-rerequested", "check_suite", []*Event{{Kind: KindRerunAll, Repository: "acme/web", SHA: head, Sender: "mona"}}},
		{"github-push", "check_suite", kinds("check_suite")},
		{"github-push", "ping", kinds("ping")},
		{"github-push", "issues", kinds("issues")},
	})
}

func TestGitHubActions(t *testing.T) {
	expectActions(t, v1alpha1.ProviderGitHub, "pull_request", "github-pull-opened", []actionCase{
		{map[string]any{"action": "reopened"}, "reopened"},
		{map[string]any{"action": "closed"}, "closed"},
		{map[string]any{"action": "unlabeled", "label": map[string]any{"name": "bug"}}, "unlabeled bug"},
		{map[string]any{"action": "converted_to_draft"}, "drafted"},
		{map[string]any{"action": "ready_for_review"}, "ready"},
		{map[string]any{"action": "edited", "changes": map[string]any{"title": map[string]any{"from": "x"}}}, "edited"},
		{map[string]any{"action": "auto_merge_enabled"}, "auto_merge_enabled"},
		{map[string]any{"action": "$(id)\n"}, "id"},
		{map[string]any{"action": nil}, "unnamed"},
	})
}
