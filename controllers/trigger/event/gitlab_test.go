package event

import (
	"fmt"
	"maps"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestParseGitLab(t *testing.T) {
	const (
		repository = "acme/backend/web"
		clone      = "https://gitlab.example.com/acme/backend/web.git"
		commit     = "https://gitlab.example.com/acme/backend/web/-/commit/" + head
		pushed     = "95790bf891e76fee5e1747ab589903a6a1f80f22"
		page       = "https://gitlab.example.com/acme/backend/web/-/merge_requests/7"
	)
	push := []*Event{{
		Kind: "push", Repository: repository, CloneURL: clone, SHA: head, Before: pushed, URL: commit,
		Ref: "refs/heads/release/1.4", Branch: "release/1.4", Sender: "mona", Author: "Mona Lisa", Title: "Fix the parser", Message: message + "\n", Paths: changed(),
	}}
	forked := PullRequest{
		Number: 7, Title: "Fix the parser", Author: "ben", Head: "fix-parser", Base: "main", HeadRepository: "ben/web", Fork: true,
		Labels: []string{"bug"}, URL: page,
	}
	noted := forked
	noted.Author = ""
	own := noted
	own.HeadRepository, own.Fork = repository, false
	plain := own
	plain.Labels = nil
	gone := noted
	gone.Title, gone.HeadRepository, gone.Labels = "Fix it", "", []string{"ok-to-test", "x"}
	of := func(action v1alpha1.EventAction, sender string, pull PullRequest, edit func(*Event)) *Event {
		e := &Event{
			Kind: "pull_request", Action: action, Repository: repository, CloneURL: clone, SHA: head, Ref: "refs/merge-requests/7/head",
			Sender: sender, Title: pull.Title, Message: message + "\n", URL: page, PathsGap: GapPull, PullRequest: pull,
		}
		if edit != nil {
			edit(e)
		}
		return e
	}
	expectParsed(t, v1alpha1.ProviderGitLab, []parseCase{
		{"gitlab-push", "Push Hook", push},
		{"gitlab-push", "System Hook", push},
		{"gitlab-tag", "Tag Push Hook", []*Event{{
			Kind: "push", Repository: repository, CloneURL: clone, SHA: head, Created: true, URL: commit,
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Sender: "mona", Author: "Mona Lisa", Title: "Fix the parser", Message: message + "\n", Paths: changed(), PathsGap: "the ref is new",
		}}},
		{"gitlab-delete", "Push Hook", []*Event{{
			Kind: "push", Repository: repository, CloneURL: clone, Before: pushed,
			Ref: "refs/heads/old-idea", Branch: "old-idea", Sender: "mona", Deleted: true,
		}}},
		{"gitlab-merge-opened", "Merge Request Hook", []*Event{of("opened", "ben", forked, nil)}},
		// It says that a label was added, but that is what GitLab says behind each push.
		{"gitlab-merge-updated", "Merge Request Hook", []*Event{of("updated", "ada", own, func(e *Event) { e.Before = oldHead })}},
		{"gitlab-merge-edited", "Merge Request Hook", []*Event{
			of("ready", "ada", gone, func(e *Event) { e.Part = "ready" }),
			of("labeled", "ada", gone, func(e *Event) { e.Label, e.Part = "ok-to-test", "labeled:ok-to-test" }),
			of("unlabeled", "ada", gone, func(e *Event) { e.Label, e.Part = "bug", "unlabeled:bug" }),
		}},
		{"gitlab-merge-merged", "Merge Request Hook", []*Event{of("merged", "ada", plain, func(e *Event) { e.MergeSHA = merged })}},
		{"gitlab-note", "Note Hook", []*Event{of("created", "ada", noted, func(e *Event) {
			e.Kind, e.URL = "comment", page+"#note_1244"
			e.Comment = Comment{Body: "Fine.\n\n/ok-to-test 6113728", Author: "ada", Command: "ok-to-test", Args: []string{"6113728"}}
			e.Remark.ID = 1244
		})}},
		{"gitlab-release", "Release Hook", []*Event{{
			Kind: "release", Action: "published", Repository: repository, CloneURL: clone, SHA: head, Ref: "refs/tags/v1.4.0", Tag: "v1.4.0",
			Author: "Ben", Title: "1.4: the parser", Message: message + "\n", URL: "https://gitlab.example.com/acme/backend/web/-/releases/v1.4.0", PathsGap: gapRelease,
			Release: Release{Name: "1.4: the parser", Tag: "v1.4.0", URL: "https://gitlab.example.com/acme/backend/web/-/releases/v1.4.0"},
		}}},
		{"gitea-push", "Note Hook", kinds("Note Hook")},
	})
}

func TestGitLabActions(t *testing.T) {
	with := func(attributes, changes map[string]any) map[string]any {
		said := map[string]any{
			"iid": 7, "action": "update", "title": "Fix", "source_project_id": 15, "target_project_id": 15, "last_commit": map[string]any{"id": head},
		}
		maps.Copy(said, attributes)
		return map[string]any{"object_attributes": said, "changes": changes}
	}
	was := func(previous, current any) map[string]any {
		return map[string]any{"previous": previous, "current": current}
	}
	many := make([]any, maxLabels+1)
	for i := range many {
		many[i] = map[string]any{"title": fmt.Sprint("label ", i)}
	}
	expectActions(t, v1alpha1.ProviderGitLab, "Merge Request Hook", "gitlab-merge-opened", []actionCase{
		{with(map[string]any{"action": "reopen"}, nil), "reopened"},
		{with(map[string]any{"action": "close", "last_commit": nil}, nil), "closed"},
		{with(map[string]any{"action": "approved"}, nil), "approved"},
		{with(nil, nil), "update"},
		{with(nil, map[string]any{"assignees": was(nil, nil)}), "update"},
		{with(nil, map[string]any{"description": was("a", "b")}), "edited"},
		{with(nil, map[string]any{"title": was("a", "Draft: a")}), "drafted"},
		{with(nil, map[string]any{"title": was("a", "b"), "target_branch": was("main", "next"), "draft": was(true, false)}), "ready, edited"},
		{with(nil, map[string]any{"labels": was(nil, many)}), "update"},
		{with(map[string]any{"last_commit": nil, "action": "open"}, nil), ""},
	})
}
