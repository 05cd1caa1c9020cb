package event

import (
	"fmt"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// previous commit of a branch in payloads of Bitbucket.
const previous = "a10867b14bb761a232cd80139fbd4c0d33264240"

func TestParseBitbucket(t *testing.T) {
	const (
		clone  = "https://bitbucket.org/acme/web.git"
		commit = "https://bitbucket.org/acme/web/commits/" + head
		page   = "https://bitbucket.org/acme/web/pull-requests/7"
		ada    = "{5a1c0a33-7d0b-4a7e-9d3b-0a1f6a1c0001}"
		ben    = "{5a1c0a33-7d0b-4a7e-9d3b-0a1f6a1c0002}"
	)
	forked := PullRequest{
		Number: 7, Title: "Fix the parser", Author: ben, Draft: true, Head: "fix-parser", Base: "main", HeadRepository: "ben/web", Fork: true, URL: page,
	}
	own := forked
	own.Draft, own.Fork, own.HeadRepository = false, false, "acme/web"
	gone := own
	gone.Fork, gone.HeadRepository = true, ""
	of := func(action v1alpha1.EventAction, sender string, pull PullRequest, edit func(*Event)) []*Event {
		e := &Event{
			Kind: "pull_request", Action: action, Repository: "acme/web", CloneURL: clone, SHA: head[:12],
			Sender: sender, Title: "Fix the parser", URL: page, PathsGap: GapPull, PullRequest: pull,
		}
		if edit != nil {
			edit(e)
		}
		return []*Event{e}
	}
	push := Event{
		Kind: "push", Repository: "acme/web", CloneURL: clone, SHA: head, Before: previous, URL: commit, Sender: ada,
		Ref: "refs/heads/main", Branch: "main", Author: "ada", Title: "Fix the parser", Message: message + "\n", PathsGap: "the git host lists no paths",
	}
	forced := push
	forced.Ref, forced.Branch, forced.Part = "refs/heads/release/1.4", "release/1.4", "refs/heads/release/1.4"
	forced.Forced, forced.PathsGap = true, "the push was forced"
	tag := push
	tag.Ref, tag.Tag, tag.Branch, tag.Part = "refs/tags/v1.4.0", "v1.4.0", "", "refs/tags/v1.4.0"
	tag.Created, tag.Before, tag.PathsGap = true, "", "the ref is new"
	deleted := Event{
		Kind: "push", Repository: "acme/web", CloneURL: clone, Before: oldHead, Sender: ada, Deleted: true,
		Ref: "refs/heads/old-idea", Branch: "old-idea", Part: "refs/heads/old-idea",
	}
	expectParsed(t, v1alpha1.ProviderBitbucket, []parseCase{
		{"bitbucket-push", "repo:push", []*Event{&push}},
		{"bitbucket-push-many", "repo:push", []*Event{&forced, &tag, &deleted}},
		{"bitbucket-pull-created", "pullrequest:created", of("opened", ben, forked, nil)},
		{"bitbucket-pull-created", "pullrequest:updated", of("updated", ben, forked, nil)},
		{"bitbucket-pull-created", "pullrequest:approved", of("approved", ben, forked, nil)},
		{"bitbucket-pull-fulfilled", "pullrequest:fulfilled", of("merged", ada, own, func(e *Event) { e.MergeSHA = merged[:12] })},
		{"bitbucket-pull-created", "pullrequest:rejected", of("closed", ben, forked, nil)},
		{"bitbucket-comment", "pullrequest:comment_created", of("created", ada, gone, func(e *Event) {
			e.Kind, e.URL = "comment", page+"/_/diff#comment-501"
			e.Comment = Comment{Body: "/retest", Author: ada, Command: "retest"}
		})},
		{"bitbucket-comment", "repo:fork", kinds("repo:fork")},
	})
}

func TestParseDataCenter(t *testing.T) {
	const (
		clone = "https://bitbucket.example.com/scm/acme/web.git"
		page  = "https://bitbucket.example.com/projects/ACME/repos/web/pull-requests/7"
		tag   = "3e84a5a7e63ff59bd8b8b4b9a0a7a9ad0df9d8c1"
	)
	forked := PullRequest{
		Number: 7, Title: "Fix the parser", Author: "ben", Draft: true, Head: "fix-parser", Base: "main", HeadRepository: "~ben/web", Fork: true, URL: page,
	}
	ready := forked
	ready.Draft = false
	own := ready
	own.Fork, own.HeadRepository = false, "ACME/web"
	nowhere := own
	nowhere.URL = ""
	of := func(action v1alpha1.EventAction, sender string, pull PullRequest, edit func(*Event)) []*Event {
		e := &Event{
			Kind: "pull_request", Action: action, Repository: "ACME/web", CloneURL: clone, SHA: head, Ref: "refs/pull-requests/7/from",
			Sender: sender, Title: "Fix the parser", URL: pull.URL, PathsGap: GapPull, PullRequest: pull,
		}
		if edit != nil {
			edit(e)
		}
		return []*Event{e}
	}
	expectParsed(t, v1alpha1.ProviderBitbucketServer, []parseCase{
		{"datacenter-push", "repo:refs_changed", []*Event{{
			Kind: "push", Repository: "ACME/web", CloneURL: clone, SHA: head, Created: true, Sender: "ada",
			Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Author: "ada", Title: "Fix the parser", Message: message, PathsGap: "the ref is new",
			URL: "https://bitbucket.example.com/projects/ACME/repos/web/commits/" + tag,
		}}},
		{"datacenter-push-many", "repo:refs_changed", []*Event{
			{
				Kind: "push", Repository: "ACME/web", SHA: head, Before: previous, Sender: "ada",
				Ref: "refs/heads/main", Branch: "main", Part: "refs/heads/main", PathsGap: "the git host lists no paths",
			},
			{
				Kind: "push", Repository: "ACME/web", Before: oldHead, Sender: "ada", Deleted: true,
				Ref: "refs/heads/old-idea", Branch: "old-idea", Part: "refs/heads/old-idea",
			},
		}},
		{"datacenter-pull-opened", "pr:opened", of("opened", "ben", forked, nil)},
		{"datacenter-pull-opened", "pr:modified", of("edited", "ben", forked, nil)},
		{"datacenter-pull-opened", "pr:declined", of("closed", "ben", forked, nil)},
		{"datacenter-pull-opened", "pr:reviewer:approved", of("reviewer:approved", "ben", forked, nil)},
		{"datacenter-pull-updated", "pr:from_ref_updated", of("updated", "ada", own, func(e *Event) { e.Before = oldHead })},
		{"datacenter-pull-merged", "pr:merged", of("merged", "ada", nowhere, func(e *Event) { e.MergeSHA = merged })},
		{"datacenter-comment", "pr:comment:added", of("created", "ada", ready, func(e *Event) {
			e.Kind = "comment"
			e.Comment = Comment{Body: "/test all", Author: "ada", Command: "test", Args: []string{"all"}}
		})},
		{"datacenter-ping", "diagnostics:ping", kinds("ping")},
		{"datacenter-ping", "mirror:repo_synchronized", kinds("mirror:repo_synchronized")},
	})
}

// A push of more refs than are taken is an error that the git host shows.
func TestPushOfManyRefs(t *testing.T) {
	changes := func(n int) []any {
		all := make([]any, n)
		for i := range all {
			all[i] = map[string]any{"ref": map[string]any{"id": fmt.Sprintf("refs/tags/v%d", i)}, "fromHash": zero, "toHash": head}
		}
		return all
	}
	for n, want := range map[int]string{
		0:             "the payload says nothing of what has changed",
		maxEvents + 1: "the push changes 101 refs, and KayCI takes 100 of one push at most: push fewer at once",
	} {
		_, err := Parse(v1alpha1.ProviderBitbucketServer, "repo:refs_changed", edited(t, "datacenter-push", map[string]any{"changes": changes(n)}))
		if err == nil || err.Error() != want {
			t.Errorf("%d refs: the error is %v, want %s", n, err, want)
		}
	}
	events, err := Parse(v1alpha1.ProviderBitbucketServer, "repo:refs_changed", edited(t, "datacenter-push", map[string]any{"changes": changes(maxEvents)}))
	parts := map[string]bool{}
	for _, e := range events {
		parts[e.Part] = true
	}
	if err != nil || len(parts) != maxEvents {
		t.Errorf("%d events with %d parts, %v", len(events), len(parts), err)
	}
}
