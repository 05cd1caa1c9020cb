package match

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func push(ref string) *event.Event {
	e := &event.Event{Kind: v1alpha1.EventPush, Repository: "acme/web", SHA: "8f3c", Ref: ref, Paths: []string{"docs/a.md"}}
	e.Branch, _ = strings.CutPrefix(ref, "refs/heads/")
	if e.Branch == ref {
		e.Branch = ""
	}
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		e.Tag = tag
	}
	return e
}

func github(edit func(*v1alpha1.Webhook)) v1alpha1.TriggerSpec {
	spec := v1alpha1.TriggerSpec{Pipeline: "web", Webhook: &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub}}
	if edit != nil {
		edit(spec.Webhook)
	}
	return spec
}

func branches(patterns ...string) v1alpha1.TriggerSpec {
	return github(func(w *v1alpha1.Webhook) { w.Branches = patterns })
}

func condition(source string) v1alpha1.TriggerSpec {
	return github(func(w *v1alpha1.Webhook) { w.If = source })
}

func TestDecide(t *testing.T) {
	suspended := github(nil)
	suspended.Suspend = true
	deleted := push("refs/heads/main")
	deleted.Deleted, deleted.SHA = true, ""
	generic := v1alpha1.TriggerSpec{Webhook: &v1alpha1.Webhook{Provider: v1alpha1.ProviderGeneric}}
	picky := v1alpha1.TriggerSpec{Webhook: &v1alpha1.Webhook{Provider: v1alpha1.ProviderGeneric, If: "body.env == 'prod'"}}
	main, cut := push("refs/heads/main"), push("refs/heads/main")
	cut.PathsGap = "the ref is new"

	tests := map[string]struct {
		trigger v1alpha1.TriggerSpec
		event   *event.Event
		want    Decision
	}{
		"any push":    {github(nil), main, Decision{Matched, "a push of refs/heads/main"}},
		"any tag":     {github(nil), push("refs/tags/v1"), Decision{Matched, "a push of refs/tags/v1"}},
		"push listed": {github(func(w *v1alpha1.Webhook) { w.Events = []v1alpha1.EventKind{"push"} }), main, Decision{Matched, "a push of refs/heads/main"}},
		"suspended":   {suspended, main, Decision{Suspended, "the Trigger is suspended: spec.suspend is true"}},
		"ping": {
			github(nil), &event.Event{Kind: event.KindPing},
			Decision{NotMatched, "ping: address and secret are right, and there is nothing to start"},
		},
		"another event":  {github(nil), &event.Event{Kind: "issues"}, Decision{NotMatched, "the event is issues, not push"}},
		"deletion":       {branches("main"), deleted, Decision{NotMatched, "refs/heads/main was deleted, so there is no commit to run"}},
		"branch by name": {branches("release", "main"), main, Decision{Matched, "branch main matches main"}},
		"other branch":   {branches("release", "dev*"), main, Decision{NotMatched, "branch main matches none of release, dev*"}},
		"many branches": {
			branches("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"), main,
			Decision{NotMatched, "branch main matches none of a, b, c, d, e, f, g, h, 2 more"},
		},
		"star":           {branches("release/*"), push("refs/heads/release/1.4"), Decision{Matched, "branch release/1.4 matches release/*"}},
		"star and slash": {branches("release/*"), push("refs/heads/release/1/4"), Decision{NotMatched, "branch release/1/4 matches none of release/*"}},
		"two stars":      {branches("release/**"), push("refs/heads/release/1/4"), Decision{Matched, "branch release/1/4 matches release/**"}},
		"all branches":   {branches("**"), push("refs/heads/a/b"), Decision{Matched, "branch a/b matches **"}},
		"not a prefix":   {branches("main"), push("refs/heads/main2"), Decision{NotMatched, "branch main2 matches none of main"}},
		"case":           {branches("Main"), main, Decision{NotMatched, "branch main matches none of Main"}},
		"bad glob":       {branches("["), main, Decision{Invalid, `spec.webhook.branches: "[" is not a valid glob`}},
		"a brace":        {branches(`\{a\}`), push("refs/heads/{a}"), Decision{Matched, `branch {a} matches \{a\}`}},
		// Each pair of braces would double the time.
		"braces": {branches(strings.Repeat("{*,*}", 30) + "b"), push("refs/heads/" + strings.Repeat("a", 200)), Decision{
			Invalid, `spec.webhook.branches: "` + strings.Repeat("{*,*}", 30) + `b" has alternatives in braces: list each as a pattern of its own, or write \{ and \} for the characters`,
		}},
		"many stars": {
			branches(strings.Repeat("**/*a", 50) + "b"), push("refs/heads/" + strings.Repeat("a", 500) + strings.Repeat("/a", 250)),
			Decision{NotMatched, "branch " + strings.Repeat("a", 500) + strings.Repeat("/a", 250) + " matches none of " + strings.Repeat("**/*a", 50) + "b"},
		},
		"tag":  {branches("**"), push("refs/tags/v1"), Decision{NotMatched, "tag v1 is no branch, and branches are given"}},
		"note": {branches("**"), push("refs/notes/x"), Decision{NotMatched, "refs/notes/x is no branch, and branches are given"}},
		"if true": {
			condition("event.branch == 'main'"), main,
			Decision{Matched, "a push of refs/heads/main, and spec.webhook.if is true"},
		},
		"if false": {
			condition("event.paths.exists(p,\n p.startsWith('src/'))"), main,
			Decision{NotMatched, "spec.webhook.if is false: event.paths.exists(p, p.startsWith('src/'))"},
		},
		"if that needs paths that are cut": {
			condition("event.paths.exists(p, p.startsWith('src/'))"), cut, Decision{
				Matched, "a push of refs/heads/main, and spec.webhook.if depends on the list of changed paths, which is incomplete: the ref is new",
			},
		},
		"if false whatever was cut": {
			condition("event.branch == 'dev' && 'src/a' in event.paths"), cut,
			Decision{NotMatched, "spec.webhook.if is false: event.branch == 'dev' && 'src/a' in event.paths"},
		},
		"if that asks for whole paths": {
			condition("event.pathsComplete && 'src/a' in event.paths"), cut,
			Decision{NotMatched, "spec.webhook.if is false: event.pathsComplete && 'src/a' in event.paths"},
		},
		"if long": {
			condition("'" + strings.Repeat("é", 300) + "' == event.sha"), main,
			Decision{NotMatched, "spec.webhook.if is false: '" + strings.Repeat("é", 198) + "…"},
		},
		"if not compiling": {condition("event.shaa == ''"), main, Decision{Invalid, "spec.webhook.if: 1:6: undefined field 'shaa' " +
			"(event has kind, action, repository, cloneURL, sha, before, mergeSHA, ref, branch, tag, created, forced, sender, title, message, url, paths, pathsComplete, pullRequest, comment, release; event.pullRequest has number, title, author, draft, head, base, headRepository, fork, labels, url; event.comment has body, author, command, args; event.release has name, tag, draft, prerelease, url)"}},
		"if failing": {condition("body.nothing == 1"), main, Decision{
			Invalid,
			"spec.webhook.if: 1:5: no such key: nothing (write body.?name.orValue('') for a field that may be missing)",
		}},
		"if is not asked for other events": {
			condition("body.nothing == 1"), &event.Event{Kind: "issues"},
			Decision{NotMatched, "the event is issues, not push"},
		},
		"generic":           {generic, &event.Event{}, Decision{Matched, "the request is authentic"}},
		"generic if":        {picky, &event.Event{}, Decision{Matched, "the request is authentic, and spec.webhook.if is true"}},
		"no webhook at all": {v1alpha1.TriggerSpec{}, main, Decision{Invalid, "the Trigger has no webhook"}},
	}
	env, err := expr.NewTriggerEnv()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Decide(env, &tt.trigger, tt.event, map[string]any{"env": "prod"})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

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
		got := decideBranch([]string{pattern}, &event.Event{Branch: branch, Ref: "refs/heads/" + branch})
		if strings.ContainsAny(pattern, `*?[]{}\!^,`) {
			return
		}
		if want := pattern == branch; (got.Outcome == Matched) != want {
			t.Errorf("%q against %q: %+v", branch, pattern, got)
		}
	})
}
