package pull

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

const (
	head = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	next = "2f18b9d4c07a5e6688aa10b3c4d5e6f708192a3b"
)

func webhook(edits ...func(*v1alpha1.Webhook)) *v1alpha1.Webhook {
	w := &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub, Events: []v1alpha1.EventKind{v1alpha1.EventPush, v1alpha1.EventPullRequest}}
	for _, edit := range edits {
		edit(w)
	}
	return w
}

func forks(policy v1alpha1.ForkPolicy) func(*v1alpha1.Webhook) {
	return func(w *v1alpha1.Webhook) { w.Forks = policy }
}

func request(action v1alpha1.EventAction, edits ...func(*event.Event)) *event.Event {
	e := &event.Event{
		Kind: v1alpha1.EventPullRequest, Action: action, Repository: "acme/web", SHA: head, Sender: "mona",
		PullRequest: event.PullRequest{Number: 7, Title: "Fix", Author: "stranger", HeadRepository: "stranger/web", Fork: true, URL: "https://git.example.com/acme/web/pulls/7"},
	}
	for _, edit := range edits {
		edit(e)
	}
	return e
}

func labeled(label string) *event.Event {
	return request(v1alpha1.ActionLabeled, func(e *event.Event) { e.Label = label })
}

func comment(command string, args ...string) *event.Event {
	return request(v1alpha1.ActionCreated, func(e *event.Event) {
		e.Kind, e.SHA = v1alpha1.EventComment, ""
		e.Comment = event.Comment{Author: "mona", Command: command, Args: args}
	})
}

func own(e *event.Event) { e.PullRequest.Fork, e.PullRequest.HeadRepository = false, "acme/web" }

func TestUnderstand(t *testing.T) {
	short := "/ok-to-test takes the commit that was looked at: at least its first 7 characters, in lower case"
	edited := comment("test")
	edited.Action = v1alpha1.ActionEdited
	ownLabeled := labeled("ok-to-test")
	own(ownLabeled)
	tests := map[string]struct {
		webhook *v1alpha1.Webhook
		event   *event.Event
		want    Wish
	}{
		"a push":                            {webhook(), &event.Event{Kind: v1alpha1.EventPush, SHA: head}, Wish{}},
		"a pull request that is opened":     {webhook(), request(v1alpha1.ActionOpened), Wish{}},
		"one that was labeled before":       {webhook(), request(v1alpha1.ActionUpdated, func(e *event.Event) { e.PullRequest.Labels = []string{"ok-to-test"} }), Wish{}},
		"the label":                         {webhook(), labeled("ok-to-test"), Wish{Verb: LetIn, By: "mona", Label: true, SHA: head}},
		"the label in upper case":           {webhook(), labeled("OK-TO-TEST"), Wish{}},
		"another label":                     {webhook(), labeled("bug"), Wish{}},
		"the label of no fork":              {webhook(), ownLabeled, Wish{}},
		"the label where forks run":         {webhook(forks(v1alpha1.ForksRun)), labeled("ok-to-test"), Wish{}},
		"the label where forks don't":       {webhook(forks(v1alpha1.ForksIgnore)), labeled("ok-to-test"), Wish{}},
		"the label that is taken":           {webhook(), request(v1alpha1.ActionUnlabeled, func(e *event.Event) { e.Label = "ok-to-test" }), Wish{}},
		"a Trigger of pushes":               {&v1alpha1.Webhook{}, labeled("ok-to-test"), Wish{}},
		"a Trigger of comments":             {&v1alpha1.Webhook{Events: []v1alpha1.EventKind{v1alpha1.EventComment}}, comment("test"), Wish{}},
		"a yes":                             {webhook(), comment("ok-to-test", head[:7]), Wish{Verb: LetIn, By: "mona", SHA: head[:7]}},
		"a yes with all of the commit":      {webhook(), comment("ok-to-test", head), Wish{Verb: LetIn, By: "mona", SHA: head}},
		"a yes with six characters":         {webhook(), comment("ok-to-test", head[:6]), Wish{Verb: LetIn, By: "mona", Refused: short}},
		"a yes without a commit":            {webhook(), comment("ok-to-test"), Wish{Verb: LetIn, By: "mona", Refused: short}},
		"a yes with two commits":            {webhook(), comment("ok-to-test", head, next), Wish{Verb: LetIn, By: "mona", Refused: short}},
		"a yes with what is no commit":      {webhook(), comment("ok-to-test", "../../../HEAD"), Wish{Verb: LetIn, By: "mona", Refused: short}},
		"a yes in upper case":               {webhook(), comment("ok-to-test", strings.ToUpper(head)), Wish{Verb: LetIn, By: "mona", Refused: short}},
		"a yes where forks run":             {webhook(forks(v1alpha1.ForksRun)), comment("ok-to-test", head), Wish{Verb: LetIn, By: "mona", NotMeant: "spec.webhook.forks is Run, so no head waits to be let in"}},
		"a test":                            {webhook(), comment("test"), Wish{Verb: Test, By: "mona"}},
		"a test of this Trigger":            {webhook(), comment("test", "web"), Wish{Verb: Test, By: "mona"}},
		"a test of another":                 {webhook(), comment("test", "docs"), Wish{Verb: Test, By: "mona", NotMeant: "/test docs is not for this Trigger"}},
		"a retest":                          {webhook(), comment("retest"), Wish{Verb: Retest, By: "mona"}},
		"a cancel":                          {webhook(), comment("cancel"), Wish{Verb: Cancel, By: "mona"}},
		"an unknown command":                {webhook(), comment("merge"), Wish{}},
		"no command":                        {webhook(), comment(""), Wish{}},
		"a command that somebody put there": {webhook(), edited, Wish{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Understand("web", tt.webhook, tt.event)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	type answer struct {
		Admission Admission
		Reason    string
	}
	unsaid := comment("deploy")
	tests := map[string]struct {
		policy v1alpha1.ForkPolicy
		event  *event.Event
		want   answer
	}{
		"a push":                         {"", &event.Event{Kind: v1alpha1.EventPush, SHA: head}, answer{Free, ""}},
		"no fork":                        {"", request(v1alpha1.ActionOpened, own), answer{Free, ""}},
		"a fork":                         {"", request(v1alpha1.ActionOpened), answer{Held, "commit 6113728f27ae is of a fork"}},
		"a fork that was deleted":        {"", request(v1alpha1.ActionOpened, func(e *event.Event) { e.PullRequest.HeadRepository = "" }), answer{Held, "commit 6113728f27ae is of a fork"}},
		"a fork where they are ignored":  {v1alpha1.ForksIgnore, request(v1alpha1.ActionOpened), answer{Shut, "the pull request is of a fork, and spec.webhook.forks is Ignore"}},
		"a fork where they run":          {v1alpha1.ForksRun, request(v1alpha1.ActionOpened), answer{Free, ""}},
		"a fork that was merged":         {"", request(v1alpha1.ActionMerged), answer{Shut, "the pull request is of a fork and is closed, so its head can't be let in any more"}},
		"a comment that doesn't say":     {"", unsaid, answer{Shut, "the comment doesn't say whether its pull request is of a fork: with spec.report KayCI asks the git host"}},
		"a policy that nobody has heard": {"Anything", request(v1alpha1.ActionOpened), answer{Held, "commit 6113728f27ae is of a fork"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			admission, reason := Admit(webhook(forks(tt.policy)), tt.event)
			if diff := cmp.Diff(tt.want, answer{admission, reason}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	yes := Wish{Verb: LetIn, By: "mona", SHA: head[:7]}
	tests := map[string]struct {
		policy v1alpha1.ForkPolicy
		wish   Wish
		head   *event.Event
		letIn  bool
		want   string
	}{
		"a yes":             {wish: yes, head: request("")},
		"a head that moved": {wish: yes, head: request("", func(e *event.Event) { e.SHA = next }), want: "commit 6113728 is not the head of pull request 7, which is 2f18b9d4c07a now: look at that one"},
		"a yes to no fork":  {wish: yes, head: request("", own), want: "pull request 7 is of no fork, so its head doesn't wait to be let in"},
		"a test":            {wish: Wish{Verb: Test}, head: request("", own)},
		"of a fork":         {wish: Wish{Verb: Test}, head: request(""), want: "commit 6113728f27ae is of a fork, and nobody has let it in: /ok-to-test 6113728f27ae does"},
		"that was let in":   {wish: Wish{Verb: Test}, head: request(""), letIn: true},
		"where forks run":   {policy: v1alpha1.ForksRun, wish: Wish{Verb: Test}, head: request("")},
		"where they do not": {policy: v1alpha1.ForksIgnore, wish: Wish{Verb: Test}, head: request(""), letIn: true, want: "the pull request is of a fork, and spec.webhook.forks is Ignore"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Refuse(webhook(forks(tt.policy)), tt.wish, tt.head, tt.letIn)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		provider v1alpha1.Provider
		asks     bool
		want     string
	}{
		"GitHub":                 {v1alpha1.ProviderGitHub, true, "waits for the label ok-to-test or the comment /ok-to-test 6113728f27ae82c7b1a177c8d03f9e96e0adf246 by someone with write access"},
		"GitHub, not asked":      {v1alpha1.ProviderGitHub, false, "waits for the label ok-to-test by someone with write access"},
		"Bitbucket":              {v1alpha1.ProviderBitbucket, true, "waits for the comment /ok-to-test 6113728f27ae82c7b1a177c8d03f9e96e0adf246 by someone with write access"},
		"Data Center, not asked": {v1alpha1.ProviderBitbucketServer, false, "waits to be let in, which takes spec.report: this git host doesn't say who sets which label"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Missing(tt.provider, head, tt.asks)
			// GitHub's statuses have 140 characters.
			if got != tt.want || len(got) > 140 {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProposed(t *testing.T) {
	for want, actions := range map[v1alpha1.EventAction][]v1alpha1.EventAction{
		v1alpha1.ActionOpened: nil,
		v1alpha1.ActionReady:  {v1alpha1.ActionCreated, v1alpha1.ActionReady, v1alpha1.ActionUpdated},
	} {
		proposed := request(want)
		w := webhook(func(w *v1alpha1.Webhook) { w.Actions = actions })
		if diff := cmp.Diff(proposed, Proposed(w, labeled("ok-to-test"))); diff != "" {
			t.Errorf("%v, -want +got:\n%s", actions, diff)
		}
	}
	w := webhook(func(w *v1alpha1.Webhook) {
		w.Actions = []v1alpha1.EventAction{v1alpha1.ActionUpdated, v1alpha1.ActionOpened}
	})
	if got := Proposed(w, request("")).Action; got != v1alpha1.ActionOpened {
		t.Errorf("the action is %s", got)
	}
}
