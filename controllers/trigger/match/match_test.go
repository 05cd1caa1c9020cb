package match

import (
	"strings"
	"testing"

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

func matched(reason string) Decision { return Decision{Outcome: Matched, Reason: reason} }

func not(reason string) Decision { return Decision{Outcome: NotMatched, Reason: reason} }

func lacking(fact Fact, reason string) Decision {
	return Decision{Outcome: Matched, Reason: reason, Unknown: []Fact{fact}}
}

// decided is an event and what a Trigger makes of it.
type decided struct {
	trigger v1alpha1.TriggerSpec
	event   *event.Event
	want    Decision
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

	tests := map[string]decided{
		"any push":    {github(nil), main, matched("a push of refs/heads/main")},
		"any tag":     {github(nil), push("refs/tags/v1"), matched("a push of refs/tags/v1")},
		"push listed": {github(func(w *v1alpha1.Webhook) { w.Events = []v1alpha1.EventKind{"push"} }), main, matched("a push of refs/heads/main")},
		"suspended":   {suspended, main, Decision{Outcome: Suspended, Reason: "the Trigger is suspended: spec.suspend is true"}},
		"ping": {
			github(nil), &event.Event{Kind: event.KindPing},
			not("ping: address and secret are right, and there is nothing to start"),
		},
		"another event": {github(nil), &event.Event{Kind: "issues"}, not("the event is issues, not push")},
		"deletion":      {branches("main"), deleted, not("refs/heads/main was deleted, so there is no commit to run")},
		"if true": {
			condition("event.branch == 'main'"), main,
			matched("a push of refs/heads/main, and spec.webhook.if is true"),
		},
		"if false": {
			condition("event.paths.exists(p,\n p.startsWith('src/'))"), main,
			not("spec.webhook.if is false: event.paths.exists(p, p.startsWith('src/'))"),
		},
		"if that needs paths that are cut": {
			condition("event.paths.exists(p, p.startsWith('src/'))"), cut,
			lacking(ChangedPaths, "a push of refs/heads/main, and spec.webhook.if depends on the list of changed paths, which is incomplete: the ref is new"),
		},
		"if false whatever was cut": {
			condition("event.branch == 'dev' && 'src/a' in event.paths"), cut,
			not("spec.webhook.if is false: event.branch == 'dev' && 'src/a' in event.paths"),
		},
		"if that asks for whole paths": {
			condition("event.pathsComplete && 'src/a' in event.paths"), cut,
			not("spec.webhook.if is false: event.pathsComplete && 'src/a' in event.paths"),
		},
		"if long": {
			condition("'" + strings.Repeat("é", 300) + "' == event.sha"), main,
			not("spec.webhook.if is false: '" + strings.Repeat("é", 198) + "…"),
		},
		"if not compiling": {condition("event.shaa == ''"), main, Decision{Outcome: Invalid, Reason: "spec.webhook.if: 1:6: undefined field 'shaa' " +
			"(event has kind, action, repository, cloneURL, sha, before, mergeSHA, ref, branch, tag, created, forced, sender, title, message, url, paths, pathsComplete, pullRequest, comment, release; event.pullRequest has number, title, author, draft, head, base, headRepository, fork, labels, url; event.comment has body, author, command, args; event.release has name, tag, draft, prerelease, url)"}},
		"if failing": {condition("body.nothing == 1"), main, Decision{
			Outcome: Invalid,
			Reason:  "spec.webhook.if: 1:5: no such key: nothing (write body.?name.orValue('') for a field that may be missing)",
		}},
		"if is not asked for other events": {
			condition("body.nothing == 1"), &event.Event{Kind: "issues"},
			not("the event is issues, not push"),
		},
		"generic":           {generic, &event.Event{}, matched("the request is authentic")},
		"generic if":        {picky, &event.Event{}, matched("the request is authentic, and spec.webhook.if is true")},
		"no webhook at all": {v1alpha1.TriggerSpec{}, main, Decision{Outcome: Invalid, Reason: "the Trigger has no webhook"}},
	}
	check(t, tests)
}

// check decides each event by its Trigger, and compares the whole decisions.
func check(t *testing.T, tests map[string]decided) {
	t.Helper()
	env, err := expr.SharedTriggerEnv()
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
