package match

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func TestLabels(t *testing.T) {
	with := func(labels ...string) v1alpha1.TriggerSpec {
		return github(func(w *v1alpha1.Webhook) { w.Events, w.Labels = v1alpha1.EventKinds(), labels })
	}
	labeled := pullRequest(func(p *event.PullRequest) { p.Labels = []string{"bug", "kind/fix"} })
	given := func(action v1alpha1.EventAction, label string) *event.Event {
		e := pullRequest(func(p *event.PullRequest) { p.Labels = []string{"bug", "docs"} })
		e.Action, e.Label = action, label
		return e
	}
	waiting := with("docs", "wip")
	waiting.Webhook.Actions = []v1alpha1.EventAction{"labeled", "unlabeled"}
	check(t, map[string]decided{
		"one of them":         {with("docs", "kind/fix"), labeled, matched("pull request 7 (opened), label kind/fix")},
		"none of them":        {with("docs", "Bug"), labeled, not("pull request 7 has none of the labels docs, Bug")},
		"a name is no glob":   {with("kind/*"), labeled, not("pull request 7 has none of the labels kind/*")},
		"without labels":      {with("docs"), pullRequest(nil), not("pull request 7 has none of the labels docs")},
		"given":               {waiting, given("labeled", "docs"), matched("pull request 7 (labeled), label docs")},
		"given another":       {waiting, given("labeled", "bug"), not("label bug is none of docs, wip")},
		"taken":               {waiting, given("unlabeled", "wip"), matched("pull request 7 (unlabeled), label wip")},
		"taken another":       {waiting, given("unlabeled", "ready"), not("label ready is none of docs, wip")},
		"given, and unnamed":  {waiting, given("labeled", ""), matched("pull request 7 (labeled), label docs")},
		"a push has no label": {with("docs"), push("refs/heads/main"), matched("a push of refs/heads/main")},
	})
}
