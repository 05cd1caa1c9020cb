package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// A delivery to a namespace's address that starts nothing is recorded once, and
// isn't success unless it is.
func TestNamespaceAddressRecordsWhatStartsNothing(t *testing.T) {
	failing := true
	f := newFixture(t, setup{
		objects: objects(pipeline(), secret("hook", canary),
			trigger("a-release", v1alpha1.ProviderGitHub, onBranches("release")),
			trigger("b-off", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Suspend = true })),
		funcs: interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if failing {
				return apierrors.NewInternalError(fmt.Errorf("etcd says %s", canary))
			}
			return c.Create(ctx, obj, opts...)
		}},
	})
	off := result{Trigger: "b-off", Outcome: suspended, Reason: "the Trigger is suspended: spec.suspend is true"}
	f.expect(t, githubPush(t, "/hooks/ci", "d1"), answered{Status: http.StatusServiceUnavailable, Delivery: "d1", Results: []result{
		{Trigger: "a-release", Outcome: failed, Reason: "the API server could not store the outcome: send it again"}, off,
	}})
	failing = false
	for range 2 {
		f.expect(t, githubPush(t, "/hooks/ci", "d1"), answered{Status: http.StatusOK, Delivery: "d1", Results: []result{
			{Trigger: "a-release", Outcome: notMatched, Reason: "branch main matches none of release"}, off,
		}})
	}
	want := []string{"Normal NotMatched Trigger/a-release: sent to the namespace's address: a-release: branch main matches none of release; " +
		"b-off: the Trigger is suspended: spec.suspend is true (delivery d1)"}
	if diff := cmp.Diff(want, f.recorded(t)); diff != "" {
		t.Errorf("events -want +got:\n%s", diff)
	}
}

// A name that was given to another request starts nothing, and isn't said to have.
func TestIdempotencyKeyOfAnotherBody(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(v1alpha1.Param{Name: "env"}), secret("hook", canary), trigger("by-hand", v1alpha1.ProviderGeneric))})
	if w := f.send(bearer("/hooks/ci/by-hand", "d1", `{"env": "staging"}`)); w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	f.expect(t, bearer("/hooks/ci/by-hand", "d1", `{"env": "production"}`), answered{Status: http.StatusConflict, Delivery: "d1", Results: []result{{
		Trigger: "by-hand", Outcome: conflict,
		Reason: "a request with the same delivery's name and another body has started a Run before: give this one a name of its own",
	}}})
	if w := f.send(bearer("/hooks/ci/by-hand", "d1", `{"env": "staging"}`)); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if runs := f.runs(t); len(runs) != 1 || runs[0].Spec.Params["env"] != "staging" {
		t.Errorf("the Runs are %+v", runs)
	}
}

// Characters that terminals obey, or that nobody sees, get no further than into
// parameters, which are data.
func TestUnseenCharactersAreShown(t *testing.T) {
	const hostile = "refs/heads/a\u009B31m\u202E\u200Bb"
	body := strings.Replace(payload(t, "github-push"), "refs/heads/main", `refs/heads/a\u009B31m\u202E\u200Bb`, 1)
	f := newFixture(t, setup{objects: objects(pipeline(v1alpha1.Param{Name: "ref"}), secret("hook", canary),
		trigger("web-push", v1alpha1.ProviderGitHub, withParams(map[string]string{"ref": "event.ref"})),
		trigger("other", v1alpha1.ProviderGitHub, onBranches("other")),
		trigger("quotes", v1alpha1.ProviderGitHub, withIf("'a'.matches('(' + event.ref)")))})
	answers := ""
	for _, path := range []string{"/hooks/ci/web-push", "/hooks/ci/other", "/hooks/ci/quotes", "/hooks/c\u202E"} {
		answers += f.send(signedGitHub(path, "d1", "push", body)).Body.String()
	}
	runs := f.runs(t)
	if len(runs) != 1 {
		t.Fatalf("there are %d Runs", len(runs))
	}
	want := []string{hostile, `refs/heads/a\x9b31m\u202e\u200bb`, `a push of refs/heads/a\x9b31m\u202e\u200bb`}
	if diff := cmp.Diff(want, []string{runs[0].Spec.Params["ref"], runs[0].Spec.Origin.Ref, runs[0].Annotations[v1alpha1.ReasonAnnotation]}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for what, text := range map[string]string{"answers": answers, "log": f.log.String(), "events": strings.Join(f.recorded(t), "")} {
		if strings.ContainsAny(text, "\u009B\u202E\u200B") || !strings.Contains(text, `u202e`) {
			t.Errorf("the %s say %q", what, text)
		}
	}
}

func TestRecordedEventsAreValid(t *testing.T) {
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGitHub, onBranches("no")))})
	f.send(githubPush(t, "/hooks/ci/web-push", strings.Repeat("d", 200)))
	var list eventsv1.EventList
	if err := f.client.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%d events, %v", len(list.Items), err)
	}
	e := list.Items[0]
	if e.EventTime.IsZero() || e.ReportingController == "" || e.ReportingInstance == "" || e.Action == "" || e.Reason == "" || e.Regarding.UID != "trigger-uid" {
		t.Errorf("a field that the API server requires is missing: %+v", e)
	}
	if long := note(strings.Repeat("é", 2000), "d1"); len(long) > printable.MaxNote || !strings.HasSuffix(long, "…"+" (delivery d1)") {
		t.Errorf("a long note has %d bytes and ends with %q", len(long), long[len(long)-20:])
	}
}
