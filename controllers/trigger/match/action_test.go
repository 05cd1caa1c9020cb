package match

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func pullRequest(edit func(*event.PullRequest)) *event.Event {
	e := &event.Event{
		Kind: v1alpha1.EventPullRequest, Action: v1alpha1.ActionOpened, Repository: "acme/web", SHA: "8f3c", Ref: "refs/pull/7/head",
		Paths: []string{"docs/a.md"}, PullRequest: event.PullRequest{Number: 7, Head: "fix", Base: "main"},
	}
	if edit != nil {
		edit(&e.PullRequest)
	}
	return e
}

func TestAction(t *testing.T) {
	all := github(func(w *v1alpha1.Webhook) { w.Events = v1alpha1.EventKinds() })
	labeled := github(func(w *v1alpha1.Webhook) {
		w.Events = v1alpha1.EventKinds()
		w.Actions = []v1alpha1.EventAction{"labeled", "edited"}
	})
	of := func(kind v1alpha1.EventKind, action v1alpha1.EventAction) *event.Event {
		return &event.Event{
			Kind: kind, Action: action, PullRequest: event.PullRequest{Number: 7, Base: "main"}, Release: event.Release{Tag: "v1"},
		}
	}
	check(t, map[string]decided{
		"a push has none":       {labeled, push("refs/heads/main"), matched("a push of refs/heads/main")},
		"opened":                {all, of("pull_request", "opened"), matched("pull request 7 (opened)")},
		"updated":               {all, of("pull_request", "updated"), matched("pull request 7 (updated)")},
		"reopened":              {all, of("pull_request", "reopened"), matched("pull request 7 (reopened)")},
		"ready":                 {all, of("pull_request", "ready"), matched("pull request 7 (ready)")},
		"merged":                {all, of("pull_request", "merged"), not("the action of pull request 7 is merged, not opened, updated, reopened, ready")},
		"closed":                {all, of("pull_request", "closed"), not("the action of pull request 7 is closed, not opened, updated, reopened, ready")},
		"edited":                {all, of("pull_request", "edited"), not("the action of pull request 7 is edited, not opened, updated, reopened, ready")},
		"one of the host's own": {all, of("pull_request", "milestoned"), not("the action of pull request 7 is milestoned, not opened, updated, reopened, ready")},
		"labeled":               {labeled, of("pull_request", "labeled"), matched("pull request 7 (labeled)")},
		"not listed":            {labeled, of("pull_request", "opened"), not("the action of pull request 7 is opened, not labeled, edited")},
		"comment":               {all, of("comment", "created"), matched("the comment on pull request 7 (created)")},
		"comment edited":        {all, of("comment", "edited"), not("the action of the comment on pull request 7 is edited, not created")},
		"comment edited, asked": {labeled, of("comment", "edited"), matched("the comment on pull request 7 (edited)")},
		"comment not listed":    {labeled, of("comment", "created"), not("the action of the comment on pull request 7 is created, not labeled, edited")},
		"release":               {all, of("release", "published"), matched("the release of v1 (published)")},
		"release created":       {all, of("release", "created"), not("the action of the release of v1 is created, not published")},
		"a kind not listed":     {github(nil), of("release", "published"), not("the event is release, not push")},
	})
}
