package webhook

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// A comment starts a Run by the Trigger's own filters, and only for who may write.
func TestComments(t *testing.T) {
	deploys := func(s *v1alpha1.TriggerSpec) {
		s.Webhook.Events = []v1alpha1.EventKind{v1alpha1.EventComment}
		s.Webhook.Actions = []v1alpha1.EventAction{v1alpha1.ActionCreated, v1alpha1.ActionEdited}
		s.Webhook.Branches = []string{"main"}
		s.Webhook.If = "event.comment.command == 'deploy'"
	}
	unsaid := func(author string) *event.Event {
		e := commentBy(author, "deploy")
		e.PullRequest = event.PullRequest{Number: 7, Fork: true}
		return e
	}
	edited := unsaid("stranger")
	edited.Action, edited.Sender = v1alpha1.ActionEdited, "mona"
	elsewhere := pullEvent("", ofNoFork)
	elsewhere.PullRequest.Base = "next"
	run := start.RunName("web-pr", "d1")
	for name, tt := range map[string]struct {
		host  *fakeHost
		event *event.Event
		want  result
	}{
		"of who may write": {writable(pullEvent("", ofNoFork)), unsaid("mona"), result{Outcome: created, Run: run, Reason: "the comment on pull request 7 (created), base main matches main, and spec.webhook.if is true"}},
		"of a stranger": {writable(pullEvent("", ofNoFork)), unsaid("stranger"), result{
			Outcome: refused, Reason: "a comment that starts a Run is only for people with write access to acme/web, and stranger has none",
		}},
		"on a fork":            {writable(pullEvent("")), unsaid("mona"), result{Outcome: notMatched, Reason: "commit 6113728f27ae is of a fork, and nobody has let it in"}},
		"for another branch":   {writable(elsewhere), unsaid("mona"), result{Outcome: notMatched, Reason: "base next matches none of main"}},
		"nobody can be asked":  {nil, unsaid("mona"), result{Outcome: refused, Reason: pull.Unheard}},
		"the host is down":     {&fakeHost{err: errors.New("no answer")}, unsaid("mona"), result{Outcome: failed, Reason: "a comment that starts a Run by mona: no answer", transient: true}},
		"with another command": {writable(pullEvent("", ofNoFork)), commentBy("mona", "hello"), result{Outcome: notMatched, Reason: "spec.webhook.if is false: event.comment.command == 'deploy'"}},
		"that another has made": {writable(pullEvent("", ofNoFork)), edited, result{
			Outcome: refused, Reason: "the comment is by stranger and was changed by mona: a comment starts Runs as its author wrote it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{
				objects: objects(pipeline(), trigger("web-pr", v1alpha1.ProviderGitHub, deploys)), options: Options{Hosts: fakeHosts{tt.host}},
			})
			tt.want.Trigger = "web-pr"
			if diff := cmp.Diff(tt.want, f.tell(t, "d1", tt.event), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			runs := f.runs(t)
			if (len(runs) == 1) != (tt.want.Outcome == created) {
				t.Errorf("%d Runs", len(runs))
			}
			for i := range runs {
				if origin := runs[i].Spec.Origin; origin.SHA != head || origin.Fork {
					t.Errorf("origin: %+v", origin)
				}
			}
		})
	}
}
