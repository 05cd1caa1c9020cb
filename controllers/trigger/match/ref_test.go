package match

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func refs(branches, tags []string) v1alpha1.TriggerSpec {
	return github(func(w *v1alpha1.Webhook) {
		w.Events = v1alpha1.EventKinds()
		w.Branches, w.Tags = branches, tags
	})
}

func TestRef(t *testing.T) {
	main, tag, note := push("refs/heads/main"), push("refs/tags/v1.4.0"), push("refs/notes/x")
	onlyTags, both := refs(nil, []string{"v*"}), refs([]string{"main"}, []string{"v*"})
	release := &event.Event{Kind: v1alpha1.EventRelease, Action: v1alpha1.ActionPublished, Release: event.Release{Tag: "v1.4.0"}}
	baseless := pullRequest(func(p *event.PullRequest) { p.Base = "" })
	baseless.Kind, baseless.Action = v1alpha1.EventComment, v1alpha1.ActionCreated
	check(t, map[string]decided{
		"branch by name": {branches("release", "main"), main, matched("branch main matches main")},
		"other branch":   {branches("release", "dev*"), main, not("branch main matches none of release, dev*")},
		"many branches": {
			branches("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"), main,
			not("branch main matches none of a, b, c, d, e, f, g, h, 2 more"),
		},
		"star":           {branches("release/*"), push("refs/heads/release/1.4"), matched("branch release/1.4 matches release/*")},
		"star and slash": {branches("release/*"), push("refs/heads/release/1/4"), not("branch release/1/4 matches none of release/*")},
		"two stars":      {branches("release/**"), push("refs/heads/release/1/4"), matched("branch release/1/4 matches release/**")},
		"all branches":   {branches("**"), push("refs/heads/a/b"), matched("branch a/b matches **")},
		"not a prefix":   {branches("main"), push("refs/heads/main2"), not("branch main2 matches none of main")},
		"case":           {branches("Main"), main, not("branch main matches none of Main")},
		"bad glob":       {branches("["), main, Decision{Outcome: Invalid, Reason: `spec.webhook.branches: "[" is not a valid glob`}},
		"a brace":        {branches(`\{a\}`), push("refs/heads/{a}"), matched(`branch {a} matches \{a\}`)},
		// Each pair of braces would double the time.
		"braces": {branches(strings.Repeat("{*,*}", 30) + "b"), push("refs/heads/" + strings.Repeat("a", 200)), Decision{
			Outcome: Invalid, Reason: `spec.webhook.branches: "` + strings.Repeat("{*,*}", 30) + `b" has alternatives in braces: list each as a pattern of its own, or write \{ and \} for the characters`,
		}},
		"many stars": {
			branches(strings.Repeat("**/*a", 50) + "b"), push("refs/heads/" + strings.Repeat("a", 500) + strings.Repeat("/a", 250)),
			not("branch " + strings.Repeat("a", 500) + strings.Repeat("/a", 250) + " matches none of " + strings.Repeat("**/*a", 50) + "b"),
		},
		"tag":  {branches("**"), push("refs/tags/v1"), not("tag v1 is no branch, and branches are given")},
		"note": {branches("**"), push("refs/notes/x"), not("refs/notes/x is no branch, and branches are given")},

		"tags, and a tag":             {onlyTags, tag, matched("tag v1.4.0 matches v*")},
		"tags, and another tag":       {refs(nil, []string{"v2*"}), tag, not("tag v1.4.0 matches none of v2*")},
		"tags, and a branch":          {onlyTags, main, not("branch main is no tag, and tags are given")},
		"tags, and a note":            {onlyTags, note, not("refs/notes/x is no tag, and tags are given")},
		"both, and a branch":          {both, main, matched("branch main matches main")},
		"both, and another branch":    {both, push("refs/heads/v1"), not("branch v1 matches none of main")},
		"both, and a tag":             {both, tag, matched("tag v1.4.0 matches v*")},
		"both, and another tag":       {both, push("refs/tags/main"), not("tag main matches none of v*")},
		"both, and a note":            {both, note, not("refs/notes/x is neither branch nor tag, and both are given")},
		"a bad tag":                   {refs(nil, []string{"[a"}), tag, Decision{Outcome: Invalid, Reason: `spec.webhook.tags: "[a" is not a valid glob`}},
		"tags, and a release":         {onlyTags, release, matched("the release of v1.4.0 (published), tag v1.4.0 matches v*")},
		"tags, and another release":   {refs(nil, []string{"v2*"}), release, not("tag v1.4.0 matches none of v2*")},
		"branches, and a release":     {branchesOf("main"), release, matched("the release of v1.4.0 (published)")},
		"the base":                    {branchesOf("main"), pullRequest(nil), matched("pull request 7 (opened), base main matches main")},
		"another base":                {branchesOf("release/*"), pullRequest(nil), not("base main matches none of release/*")},
		"tags, and a pull request":    {onlyTags, pullRequest(nil), matched("pull request 7 (opened)")},
		"an unknown base":             {branchesOf("main"), baseless, lacking(BaseBranch, "the comment on pull request 7 (created), the base of pull request 7 is unknown")},
		"an unknown base, not asked":  {onlyTags, baseless, matched("the comment on pull request 7 (created)")},
		"the head is not what counts": {branchesOf("fix"), pullRequest(nil), not("base main matches none of fix")},
	})
}

func branchesOf(patterns ...string) v1alpha1.TriggerSpec { return refs(patterns, nil) }

// FuzzBranch checks that a branch pattern without meta characters means equality,
// whatever the branch is called.
func FuzzBranch(f *testing.F) {
	f.Add("main", "main")
	f.Add("release/*", "release/1")
	f.Add("a\\", "a")
	f.Add("{a,b", "{a,b")
	f.Fuzz(func(t *testing.T, pattern, branch string) {
		if branch == "" || !utf8.ValidString(branch) || !utf8.ValidString(pattern) {
			return // no JSON document or object holds such a string
		}
		got := named{"branch", "spec.webhook.branches", []string{pattern}}.decide(branch)
		if strings.ContainsAny(pattern, `*?[]{}\!^,`) {
			return
		}
		if want := pattern == branch; (got.Outcome == Matched) != want {
			t.Errorf("%q against %q: %+v", branch, pattern, got)
		}
	})
}
