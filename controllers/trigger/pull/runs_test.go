package pull

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func run(name, sha string, phase v1alpha1.RunPhase) v1alpha1.Run {
	return v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(now.Add(time.Duration(name[0]) * time.Minute))},
		Spec:       v1alpha1.RunSpec{Origin: &v1alpha1.Origin{Repository: "acme/web", PullRequest: 7, SHA: sha, Delivery: "of-" + name}},
		Status:     v1alpha1.RunStatus{Phase: phase},
	}
}

func names(runs []v1alpha1.Run) []string {
	var all []string
	for i := range runs {
		all = append(all, runs[i].Name)
	}
	return all
}

func TestEnded(t *testing.T) {
	stopped := run("d", next, v1alpha1.RunRunning)
	stopped.Spec.Cancelled = true
	runs := []v1alpha1.Run{
		run("a", head, v1alpha1.RunRunning), run("b", next, v1alpha1.RunQueued), run("c", next, v1alpha1.RunSucceeded), stopped,
		run("e", "aaaa", ""),
	}
	before := func(sha string) func(*event.Event) { return func(e *event.Event) { e.Before = sha } }
	tests := map[string]struct {
		event  *event.Event
		policy v1alpha1.ConcurrencyPolicy
		want   []string
	}{
		"opened":                   {event: request(v1alpha1.ActionOpened), policy: v1alpha1.ConcurrencyReplace},
		"closed":                   {event: request(v1alpha1.ActionClosed), want: []string{"a", "b"}},
		"merged":                   {event: request(v1alpha1.ActionMerged), want: []string{"a", "b"}},
		"updated":                  {event: request(v1alpha1.ActionUpdated), policy: v1alpha1.ConcurrencyReplace, want: []string{"b"}},
		"updated from a head":      {event: request(v1alpha1.ActionUpdated, before(next)), policy: v1alpha1.ConcurrencyReplace, want: []string{"b"}},
		"a late update":            {event: request(v1alpha1.ActionUpdated, before("bbbb")), policy: v1alpha1.ConcurrencyReplace},
		"updated, Runs that queue": {event: request(v1alpha1.ActionUpdated), policy: v1alpha1.ConcurrencyQueue},
		"a push":                   {event: &event.Event{Kind: v1alpha1.EventPush, Action: v1alpha1.ActionClosed}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			if Ends(webhook(), tt.policy, tt.event) {
				got = names(Ended(webhook(), runs, tt.event, "of-e"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOf(t *testing.T) {
	other, elsewhere, byHand := run("a", head, ""), run("a", head, ""), run("a", head, "")
	other.Spec.Origin.PullRequest, elsewhere.Spec.Origin.Repository, byHand.Spec.Origin = 8, "acme/docs", nil
	this := run("a", head, "")
	for name, tt := range map[string]struct {
		run  *v1alpha1.Run
		want bool
	}{"this one": {&this, true}, "another": {&other, false}, "another repository": {&elsewhere, false}, "by hand": {&byHand, false}} {
		if got := Of(tt.run, request("")); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRetried(t *testing.T) {
	failed := run("b", head, v1alpha1.RunFailed)
	tests := map[string]struct {
		runs   []v1alpha1.Run
		want   string
		reason string
	}{
		"the last":        {runs: []v1alpha1.Run{failed, run("a", head, v1alpha1.RunSucceeded)}, want: "b"},
		"cancelled":       {runs: []v1alpha1.Run{run("b", head, v1alpha1.RunCancelled)}, want: "b"},
		"of another head": {runs: []v1alpha1.Run{run("c", next, v1alpha1.RunFailed)}, reason: "there is no Run of commit 6113728f27ae, the head of pull request 7: /test starts one"},
		"none":            {reason: "there is no Run of commit 6113728f27ae, the head of pull request 7: /test starts one"},
		"under way":       {runs: []v1alpha1.Run{failed, run("c", head, v1alpha1.RunRunning)}, reason: "Run c of commit 6113728f27ae has not ended"},
		"succeeded":       {runs: []v1alpha1.Run{failed, run("c", head, v1alpha1.RunSucceeded)}, reason: "Run c of commit 6113728f27ae has succeeded: /test starts another"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, reason := Retried(tt.runs, request(""))
			chosen := ""
			if got != nil {
				chosen = got.Name
			}
			if diff := cmp.Diff([]string{tt.want, tt.reason}, []string{chosen, reason}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
