package event

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestOrigin has what a Run keeps of each kind of event.
func TestOrigin(t *testing.T) {
	t.Parallel()
	const page = "https://github.com/acme/web/"
	push := v1alpha1.Origin{Repository: "acme/web", SHA: head, Title: "Fix the parser", Author: "mona", Sender: "mona", URL: page + "commit/" + head}
	branch, tag := push, push
	branch.Ref, branch.Branch = "refs/heads/main", "main"
	tag.Ref, tag.Tag = "refs/tags/v1.4.0", "v1.4.0"
	for _, tt := range []struct {
		file, header string
		want         v1alpha1.Origin
	}{
		{"github-push", "push", branch},
		{"github-tag", "push", tag},
		{"github-delete", "push", v1alpha1.Origin{Repository: "acme/web", Ref: "refs/heads/old-idea", Branch: "old-idea", Sender: "mona"}},
		{"github-pull-synchronize", "pull_request", v1alpha1.Origin{
			Repository: "acme/web", SHA: head, Ref: "refs/pull/7/head", BaseBranch: "main", PullRequest: 7, Fork: true, Title: "Fix the parser", Author: "ben", Sender: "ben", URL: page + "pull/7",
		}},
		{"github-release", "release", v1alpha1.Origin{
			Repository: "acme/web", Ref: "refs/tags/v1.4.0", Tag: "v1.4.0", Title: "1.4: the parser", Author: "ada", Sender: "ada", URL: page + "releases/tag/v1.4.0",
		}},
	} {
		events, err := Parse(v1alpha1.ProviderGitHub, tt.header, payload(t, tt.file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, events[0].Origin()); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.file, diff)
		}
	}
}

// TestBaseBranch is where a pull request is to be merged into, by each host's word for it.
func TestBaseBranch(t *testing.T) {
	t.Parallel()
	const base, head = "release/1", "main"
	named := func(name string) map[string]any { return map[string]any{"name": name} }
	ends := func(pull, into, from string, as func(branch string) any, field string) func(map[string]any) {
		return func(body map[string]any) {
			of := member[map[string]any](body, pull)
			member[map[string]any](of, into)[field], member[map[string]any](of, from)[field] = as(base), as(head)
		}
	}
	hub := ends("pull_request", "base", "head", func(branch string) any { return branch }, "ref")
	bucket := ends("pullrequest", "destination", "source", func(branch string) any { return named(branch) }, "branch")
	center := ends("pullRequest", "toRef", "fromRef", func(branch string) any { return "refs/heads/" + branch }, "id")
	lab := func(of string) func(map[string]any) {
		return func(body map[string]any) {
			merge := member[map[string]any](body, of)
			merge["target_branch"], merge["source_branch"] = base, head
		}
	}
	same := func(map[string]any) {}
	for _, tt := range []struct {
		provider     v1alpha1.Provider
		header, file string
		edit         func(map[string]any)
		want         string
	}{
		{v1alpha1.ProviderGitHub, "pull_request", "github-pull-opened", hub, base},
		{v1alpha1.ProviderGitHub, "pull_request", "github-pull-merged", hub, base},
		{v1alpha1.ProviderGitHub, "pull_request_review_comment", "github-comment-line", hub, base},
		// The host is asked what a comment is about.
		{v1alpha1.ProviderGitHub, "issue_comment", "github-comment", same, ""},
		{v1alpha1.ProviderGitHub, "push", "github-push", same, ""},
		{v1alpha1.ProviderGitLab, "Merge Request Hook", "gitlab-merge-opened", lab("object_attributes"), base},
		{v1alpha1.ProviderGitLab, "Note Hook", "gitlab-note", lab("merge_request"), base},
		{v1alpha1.ProviderGitLab, "Push Hook", "gitlab-push", same, ""},
		{v1alpha1.ProviderGitea, "pull_request", "gitea-pull-opened", hub, base},
		{v1alpha1.ProviderGitea, "issue_comment", "gitea-comment", hub, base},
		{v1alpha1.ProviderGitea, "push", "gitea-push", same, ""},
		{v1alpha1.ProviderBitbucket, "pullrequest:created", "bitbucket-pull-created", bucket, base},
		{v1alpha1.ProviderBitbucket, "pullrequest:comment_created", "bitbucket-comment", bucket, base},
		{v1alpha1.ProviderBitbucket, "repo:push", "bitbucket-push", same, ""},
		{v1alpha1.ProviderBitbucketServer, "pr:opened", "datacenter-pull-opened", center, base},
		{v1alpha1.ProviderBitbucketServer, "pr:comment:added", "datacenter-comment", center, base},
		{v1alpha1.ProviderBitbucketServer, "repo:refs_changed", "datacenter-push", same, ""},
	} {
		events, err := Parse(tt.provider, tt.header, changedIn(t, tt.file, tt.edit))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := events[0].Origin().BaseBranch; got != tt.want {
			t.Errorf("%s: the base is %q, want %q", tt.file, got, tt.want)
		}
	}
}

func TestOriginOfALook(t *testing.T) {
	t.Parallel()
	e, err := OfHead("https://git.example.com/acme/web.git", "refs/tags/v1.4.0", "", head)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v1alpha1.Origin{Repository: "acme/web", SHA: head, Ref: "refs/tags/v1.4.0", Tag: "v1.4.0"}, e.Origin()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestAuthorsOfCommits are names that whoever can push has written.
func TestAuthorsOfCommits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		provider     v1alpha1.Provider
		file, header string
		edit         func(body map[string]any)
		want         string
	}{
		"without an account": {v1alpha1.ProviderGitHub, "github-push", "push", byline(map[string]any{"name": " Mona Lisa "}), "Mona Lisa"},
		"nobody":             {v1alpha1.ProviderGitea, "gitea-push", "push", byline(nil), ""},
		"a terminal's":       {v1alpha1.ProviderGitea, "gitea-push", "push", byline(map[string]any{"name": "\x1b[31mm\u202e\x00\nx"}), `\x1b[31mm\u202e`},
		"long":               {v1alpha1.ProviderGitHub, "github-push", "push", byline(map[string]any{"name": strings.Repeat("é", 300)}), strings.Repeat("é", 126)},
		"long once escaped":  {v1alpha1.ProviderGitHub, "github-push", "push", byline(map[string]any{"name": strings.Repeat("\x1b", 300)}), strings.Repeat(`\x1b`, 64)[:253]},
		"a mail address":     {v1alpha1.ProviderBitbucket, "bitbucket-push", "repo:push", rawByline("Ada L. <ada@example.com>"), "Ada L."},
		"an address alone":   {v1alpha1.ProviderBitbucket, "bitbucket-push", "repo:push", rawByline("<ada@example.com>"), ""},
	} {
		events, err := Parse(tt.provider, tt.header, changedIn(t, tt.file, tt.edit))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := events[0].Origin().Author; got != tt.want {
			t.Errorf("%s: the author is %q, want %q", name, got, tt.want)
		}
	}
}

// byline has a push's last commit be by somebody.
func byline(author any) func(map[string]any) {
	return func(body map[string]any) { member[map[string]any](body, "head_commit")["author"] = author }
}

func rawByline(raw string) func(map[string]any) {
	return func(body map[string]any) {
		change, _ := member[[]any](member[map[string]any](body, "push"), "changes")[0].(map[string]any)
		member[map[string]any](member[map[string]any](change, "new"), "target")["author"] = map[string]any{"raw": raw}
	}
}

func member[T any](of map[string]any, name string) T {
	value, _ := of[name].(T)
	return value
}
