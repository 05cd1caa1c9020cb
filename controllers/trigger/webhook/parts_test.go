package webhook

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
)

// takenApart is a generic Trigger that starts a Run for each of the body's pushes, with
// their tags for parameters.
func takenApart(delivery string, edits ...func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
	t := trigger("web-push", v1alpha1.ProviderGeneric, append(edits, withParams(map[string]string{"tag": "body.tag"}))...)
	t.Spec.Webhook.Each = "body.events.filter(e, e.action == 'push')"
	t.Spec.Webhook.Delivery = delivery
	t.Spec.Webhook.If = "body.tag != 'wip'"
	return t
}

// parts are two pushes that start Runs, one that doesn't, and a pull.
const parts = `{"events": [{"id": "a", "action": "push", "tag": "v1"}, {"id": "b", "action": "pull", "tag": "v1"}, ` +
	`{"id": "c", "action": "push", "tag": "wip"}, {"id": "d", "action": "push", "tag": "v2"}]}`

// TestPartsOfOneRequest starts a Run for each part that the condition is true of, once.
func TestPartsOfOneRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		delivery  string
		v1, v2    string
		otherBody string
		again     outcome
	}{
		"named by number":     {v1: "d1/0", v2: "d1/2", otherBody: parts + " ", again: conflict},
		"named by themselves": {delivery: "body.id", v1: "a", v2: "d", otherBody: parts + " ", again: exists},
		"named by nothing":    {delivery: "''", v1: "d1/0", v2: "d1/2", otherBody: parts, again: exists},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{objects: objects(pipeline(v1alpha1.Param{Name: "tag"}), secret("hook", canary), takenApart(tt.delivery))})
			yes, no := "the request is authentic, and spec.webhook.if is true", "spec.webhook.if is false: body.tag != 'wip'"
			v1, v2 := start.RunName("web-push", tt.v1), start.RunName("web-push", tt.v2)
			f.expect(t, bearer("/hooks/ci/web-push", "d1", parts), answered{Status: http.StatusCreated, Delivery: "d1", Results: []result{
				{Trigger: "web-push", Event: "0", Outcome: created, Run: v1, Reason: yes},
				{Trigger: "web-push", Event: "1", Outcome: notMatched, Reason: no},
				{Trigger: "web-push", Event: "2", Outcome: created, Run: v2, Reason: yes},
			}})
			for _, r := range read(t, f.send(bearer("/hooks/ci/web-push", "d1", tt.otherBody))).Results {
				if r.Event != "1" && r.Outcome != tt.again {
					t.Errorf("sent again: %+v", r)
				}
			}
			got := map[string]string{}
			for _, run := range f.runs(t) {
				got[run.Name] = run.Spec.Params["tag"] + " by " + run.Spec.Origin.Delivery
			}
			if diff := cmp.Diff(map[string]string{v1: "v1 by " + tt.v1, v2: "v2 by " + tt.v2}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestNamedRequests: what names a whole request is its delivery, too.
func TestNamedRequests(t *testing.T) {
	named := trigger("web-push", v1alpha1.ProviderGeneric, withParams(map[string]string{"tag": "body.tag"}))
	named.Spec.Webhook.Delivery = "body.id + ' of ' + body.tag"
	f := newFixture(t, setup{objects: objects(pipeline(v1alpha1.Param{Name: "tag"}), secret("hook", canary), named)})
	for _, key := range []string{"d1", "d2"} {
		if w := f.send(bearer("/hooks/ci/web-push", key, `{"id": "a", "tag": "v1"}`)); w.Code > http.StatusCreated {
			t.Errorf("%s: %d %s", key, w.Code, w.Body)
		}
	}
	runs := f.runs(t)
	if len(runs) != 1 || runs[0].Spec.Origin.Delivery != "sha256-"+hexSum([]byte("a of v1")) || runs[0].Spec.Params["tag"] != "v1" {
		t.Errorf("got %+v", runs)
	}
}

// TestNoParts are requests that can't be taken apart, or that have no part.
func TestNoParts(t *testing.T) {
	suspend := func(s *v1alpha1.TriggerSpec) { s.Suspend = true }
	missing := "no such key: events (write body.?name.orValue('') for a field that may be missing)"
	for name, tt := range map[string]struct {
		trigger *v1alpha1.Trigger
		body    string
		status  int
		want    result
	}{
		"none":               {takenApart(""), `{"events": []}`, 200, result{Outcome: notMatched, Reason: NoPart}},
		"nothing to be told": {takenApart(""), "{}", 422, result{Outcome: invalid, Reason: "spec.webhook.each: 1:5: " + missing}},
		"no objects":         {takenApart(""), `{"events": 1}`, 422, result{Outcome: invalid, Reason: "spec.webhook.each: 1:1: got 'types.Int', expected iterable type"}},
		"no name":            {takenApart("body.name"), parts, 422, result{Outcome: invalid, Reason: "spec.webhook.delivery: 1:5: no such key: name (write body.?name.orValue('') for a field that may be missing)"}},
		"suspended":          {takenApart("", suspend), "{}", 200, result{Outcome: suspended, Reason: "the Trigger is suspended: spec.suspend is true"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{objects: objects(pipeline(v1alpha1.Param{Name: "tag"}), secret("hook", canary), tt.trigger)})
			tt.want.Trigger = "web-push"
			f.expect(t, bearer("/hooks/ci/web-push", "d1", tt.body), answered{Status: tt.status, Delivery: "d1", Results: []result{tt.want}})
			if runs, events := f.runs(t), f.recorded(t); len(runs) != 0 || len(events) != 1 {
				t.Errorf("there are Runs %+v and events %v", runs, events)
			}
		})
	}
}
