package webhook

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
)

// pushOfMany is a push of a branch, of a tag and of a branch that is gone.
func pushOfMany(t *testing.T, path string) request {
	t.Helper()
	body := payload(t, "bitbucket-push-many")
	return request{path: path, body: body, header: map[string]string{
		"X-Event-Key": "repo:push", "X-Request-UUID": "d1", "X-Hub-Signature": "sha256=" + sign(canary, body),
	}}
}

// TestEventsOfOneRequest starts a Run for each ref that has a commit, once.
func TestEventsOfOneRequest(t *testing.T) {
	of := pipeline(v1alpha1.Param{Name: "ref"})
	f := newFixture(t, setup{objects: objects(of, secret("hook", canary),
		trigger("web-push", v1alpha1.ProviderBitbucket, withParams(map[string]string{"ref": "event.ref"})))})
	branch, tag, gone := "refs/heads/release/1.4", "refs/tags/v1.4.0", "refs/heads/old-idea"
	runs := map[string]string{branch: start.RunName("web-push", "d1/"+branch), tag: start.RunName("web-push", "d1/"+tag)}
	for _, again := range []bool{false, true} {
		want := answered{Status: http.StatusCreated, Delivery: "d1", Results: []result{
			{Trigger: "web-push", Event: branch, Outcome: created, Run: runs[branch], Reason: "a push of " + branch},
			{Trigger: "web-push", Event: tag, Outcome: created, Run: runs[tag], Reason: "a push of " + tag},
			{Trigger: "web-push", Event: gone, Outcome: notMatched, Reason: gone + " was deleted, so there is no commit to run"},
		}}
		for i := range 2 {
			if again {
				want.Status = http.StatusOK
				want.Results[i].Outcome, want.Results[i].Reason = exists, "this delivery has started the Run before"
			}
		}
		f.expect(t, pushOfMany(t, "/hooks/ci/web-push"), want)
	}
	found := map[string]string{}
	for _, run := range f.runs(t) {
		found[run.Spec.Params["ref"]] = run.Name
		if run.Spec.Origin.Delivery != "d1/"+run.Spec.Params["ref"] {
			t.Errorf("Run %s is of the delivery %s", run.Name, run.Spec.Origin.Delivery)
		}
	}
	if diff := cmp.Diff(runs, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if events := f.recorded(t); len(events) > 0 {
		t.Errorf("the Runs are the record, but there are the events %v", events)
	}
}

// TestEventsThatStartNothing are one record, however many there are.
func TestEventsThatStartNothing(t *testing.T) {
	gone := "refs/heads/old-idea: refs/heads/old-idea was deleted, so there is no commit to run"
	for path, want := range map[string]string{
		"/hooks/ci/web-push": "refs/heads/release/1.4: branch release/1.4 matches none of dev; " +
			"refs/tags/v1.4.0: tag v1.4.0 is no branch, and branches are given; " + gone,
		"/hooks/ci": "sent to the namespace's address: web-push refs/heads/release/1.4: branch release/1.4 matches none of dev; " +
			"web-push refs/tags/v1.4.0: tag v1.4.0 is no branch, and branches are given; web-push " + gone,
	} {
		f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderBitbucket, onBranches("dev")))})
		for range 2 {
			if w := f.send(pushOfMany(t, path)); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if diff := cmp.Diff([]string{"Normal NotMatched Trigger/web-push: " + want + " (delivery d1)"}, f.recorded(t)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", path, diff)
		}
	}
}
