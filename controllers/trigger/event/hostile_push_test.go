package event

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// pushed is a push of each provider, with what names things in it. What stands before a
// branch or tag in its payload is the prefix.
type pushed struct {
	pulled
	prefix, ref, repository, sender string
}

func pushes() []pushed {
	return []pushed{
		{pulled{v1alpha1.ProviderGitHub, "push", "github-push"}, "refs/heads/", "main", "acme/web", "mona"},
		{pulled{v1alpha1.ProviderGitea, "push", "gitea-push"}, "refs/heads/", "main", "acme/web", "mona"},
		{pulled{v1alpha1.ProviderGitLab, "Push Hook", "gitlab-push"}, "refs/heads/", "release/1.4", "acme/backend/web", "mona"},
		{pulled{v1alpha1.ProviderBitbucket, "repo:push", "bitbucket-push"}, "", "main", "acme/web", "{5a1c0a33-7d0b-4a7e-9d3b-0a1f6a1c0001}"},
		{pulled{v1alpha1.ProviderBitbucketServer, "repo:refs_changed", "datacenter-push"}, "refs/tags/", "v1.4.0", "web", "ada"},
	}
}

// What names a branch, repository or user is data to its last character: nothing in it is
// interpreted, and nothing mended.
func TestNamesAreData(t *testing.T) {
	for _, name := range []string{`a"b'c`, "$(id)", "`id`;{}", "a%2fb", "a\u202eb", "a\u200fb", "..", "é", "-x", "{{.}}"} {
		for _, of := range pushes() {
			raw := replaced(t, of.file, of.prefix+of.ref, of.prefix+name)
			events, err := Parse(of.provider, of.header, raw)
			if err != nil || events[0].Branch+events[0].Tag != name || !strings.HasSuffix(events[0].Ref, "/"+name) {
				t.Errorf("%q in %s: %+v, %v", name, of.file, events, err)
			}
			events, err = Parse(of.provider, of.header, replaced(t, of.file, of.sender, name))
			if err != nil || events[0].Sender != name {
				t.Errorf("%q in %s: %+v, %v", name, of.file, events, err)
			}
		}
	}
}

// A name that is too long for one, or that has a control character, is refused, and not
// repeated.
func TestNamesThatAreNone(t *testing.T) {
	for what, name := range map[string]string{
		"contains a control character": "a\nb", "is longer than ": strings.Repeat("n", 1100), "a NUL": "a\x00b", "a colour": "\x1b[31mcanary", "a delete": "a\x7fb",
	} {
		if !strings.HasSuffix(what, " ") {
			what = "contains a control character"
		}
		for _, of := range pushes() {
			for of, raw := range map[pulled][]byte{
				{of.provider, of.header, of.file + ": ref"}:        replaced(t, of.file, of.prefix+of.ref, of.prefix+name),
				{of.provider, of.header, of.file + ": repository"}: replaced(t, of.file, of.repository, name),
				{of.provider, of.header, of.file + ": sender"}:     replaced(t, of.file, of.sender, name),
			} {
				_, err := Parse(of.provider, of.header, raw)
				if err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), name) {
					t.Errorf("%.40q in %s: the error is %v, want that it %s", name, of.file, err, what)
				}
			}
		}
	}
}

// A push of 100,000 paths is one of as many as are kept, and says that there are more.
func TestPathsOfAHugePush(t *testing.T) {
	many := make([]any, 100_000)
	var want []string
	for i := range many {
		path := fmt.Sprintf("docs/%06d", i)
		many[i] = path
		if i < maxPaths {
			want = append(want, path)
		}
	}
	for _, of := range pushes()[:3] {
		events, err := Parse(of.provider, of.header, edited(t, of.file, map[string]any{"commits": []any{map[string]any{"added": many}}, "total_commits": 1, "total_commits_count": 1}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, events[0].Paths); diff != "" || events[0].PathsGap != "there are more than 10000" {
			t.Errorf("%s: the gap is %q, -want +got:\n%.300s", of.file, events[0].PathsGap, diff)
		}
	}
}

// The head of a pull request whose fork was deleted is a fork's, of no repository.
func TestDeletedForks(t *testing.T) {
	null := func(path ...string) func(map[string]any) {
		return func(body map[string]any) {
			for _, name := range path[:len(path)-1] {
				body, _ = body[name].(map[string]any)
			}
			body[path[len(path)-1]] = nil
		}
	}
	for _, tt := range []struct {
		of   pulled
		gone func(map[string]any)
	}{
		{pulls()[0], null("pull_request", "head", "repo")},
		{pulls()[0], null("pull_request", "head", "repo", "full_name")},
		{pulls()[4], null("object_attributes", "source", "path_with_namespace")},
		{pulls()[6], null("pullrequest", "source", "repository", "full_name")},
		{pulls()[2], null("pull_request", "head", "repo")},
		{pulls()[4], null("object_attributes", "source")},
		{pulls()[5], null("merge_request", "source")},
		{pulls()[6], null("pullrequest", "source", "repository")},
		{pulls()[7], null("pullrequest", "source", "repository")},
		{pulls()[8], null("pullRequest", "fromRef", "repository")},
		{pulls()[9], null("pullRequest", "fromRef", "repository")},
	} {
		events, err := Parse(tt.of.provider, tt.of.header, changedIn(t, tt.of.file, tt.gone))
		if err != nil {
			t.Errorf("%s: %v", tt.of.file, err)
			continue
		}
		for _, e := range events {
			if got := e.PullRequest; !got.Fork || got.HeadRepository != "" || got.Number == 0 || e.Repository == "" {
				t.Errorf("%s: %+v", tt.of.file, e)
			}
		}
	}
}

// An event that KayCI doesn't know has its host's name, and nothing else.
func TestUnknownEvents(t *testing.T) {
	for _, of := range pushes() {
		for _, name := range []string{"deployment_status", "Pipeline Hook", "repo:canary", "pullrequestx", "$(id)\n", strings.Repeat("k", 1000)} {
			raw := edited(t, of.file, map[string]any{"object_kind": cleaned(name), "event_name": cleaned(name)})
			events, err := Parse(of.provider, name, raw)
			want := cleaned(name)
			if err != nil {
				t.Errorf("%.40q of %s: %v", name, of.provider, err)
				continue
			}
			if diff := cmp.Diff(kinds(v1alpha1.EventKind(want)), events); diff != "" {
				t.Errorf("%.40q of %s, -want +got:\n%s", name, of.provider, diff)
			}
		}
	}
}

// The header that names an event isn't signed: it makes no event of KayCI's own of a
// payload that isn't one.
func TestEventsThatOnlyTheHeaderKnows(t *testing.T) {
	own := append(v1alpha1.EventKinds(), KindPing, KindRerun, KindRerunAll)
	for _, of := range pushes() {
		for _, kind := range own {
			events, err := Parse(of.provider, string(kind), []byte(`{"action":"created"}`))
			if err == nil && events[0].Kind != KindPing && slices.Contains(own, events[0].Kind) {
				t.Errorf("%s of %s is %+v", kind, of.provider, events[0])
			}
		}
	}
}
