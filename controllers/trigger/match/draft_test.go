package match

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func TestDraft(t *testing.T) {
	with := func(policy v1alpha1.DraftPolicy) v1alpha1.TriggerSpec {
		return github(func(w *v1alpha1.Webhook) { w.Events, w.Drafts = v1alpha1.EventKinds(), policy })
	}
	draft := pullRequest(func(p *event.PullRequest) { p.Draft = true })
	comment := *draft
	comment.Kind, comment.Action = v1alpha1.EventComment, v1alpha1.ActionCreated
	release := &event.Event{Kind: v1alpha1.EventRelease, Action: "published", Release: event.Release{Tag: "v1", Draft: true}}
	check(t, map[string]decided{
		"by default":           {with(""), draft, matched("pull request 7 (opened)")},
		"run":                  {with(v1alpha1.DraftsRun), draft, matched("pull request 7 (opened)")},
		"ignored":              {with(v1alpha1.DraftsIgnore), draft, not("pull request 7 is a draft, and drafts is Ignore")},
		"a comment on it":      {with(v1alpha1.DraftsIgnore), &comment, not("pull request 7 is a draft, and drafts is Ignore")},
		"no draft":             {with(v1alpha1.DraftsIgnore), pullRequest(nil), matched("pull request 7 (opened)")},
		"a push":               {with(v1alpha1.DraftsIgnore), push("refs/heads/main"), matched("a push of refs/heads/main")},
		"a release is another": {with(v1alpha1.DraftsIgnore), release, matched("the release of v1 (published)")},
	})
}
