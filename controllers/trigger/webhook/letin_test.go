package webhook

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// A yes is about a head of one repository: the same commit may be the head of another's
// pull request of that number. A delivery of the Run's name is none, whoever called it so.
func TestAYesIsAboutOneRepository(t *testing.T) {
	f := pullFixture(t, writable(pullEvent("")))
	ofAPI := func(e *event.Event) { e.Repository = "acme/api" }
	f.tell(t, "d1", pullEvent(v1alpha1.ActionLabeled, labelOf("ok-to-test")))
	if got := f.tell(t, "d2", pullEvent(v1alpha1.ActionOpened, ofAPI)); got.Outcome != onHold {
		t.Errorf("the head in another repository: %+v", got)
	}

	f = pullFixture(t, writable(pullEvent("")))
	f.tell(t, letInBy(pullEvent("")), &event.Event{Kind: v1alpha1.EventPullRequest, Action: v1alpha1.ActionOpened, Repository: "acme/web", SHA: next, PullRequest: event.PullRequest{Number: 7}})
	want := result{Trigger: "web-pr", Outcome: failed, Reason: "a Run that this delivery did not start has the name of its Run"}
	if diff := cmp.Diff(want, f.tell(t, "d2", commentBy("mona", "test")), cmp.AllowUnexported(result{})); diff != "" || len(f.runs(t)) != 1 {
		t.Errorf("there are %d Runs; -want +got:\n%s", len(f.runs(t)), diff)
	}
}

// Where forks are ignored, none has another Run by one that it had before.
func TestIgnoredForksAreNotRetried(t *testing.T) {
	for name, e := range map[string]*event.Event{"/retest": commentBy("mona", "retest"), "the button": again("mona", nil)} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{
				objects: objects(pipeline(), ofPull("a", head, v1alpha1.RunFailed), trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, func(s *v1alpha1.TriggerSpec) {
					s.Webhook.Forks = v1alpha1.ForksIgnore
				})),
				options: Options{Hosts: fakeHosts{writable(pullEvent(""))}},
			})
			want := result{Trigger: "web-pr", Outcome: refused, Reason: "the pull request is of a fork, and spec.webhook.forks is Ignore"}
			if diff := cmp.Diff(want, f.tell(t, "d1", e), cmp.AllowUnexported(result{})); diff != "" || len(f.runs(t)) != 1 {
				t.Errorf("there are %d Runs; -want +got:\n%s", len(f.runs(t)), diff)
			}
		})
	}
}

// A head that somebody lets in while another delivery has it held isn't held in the end.
func TestHeldWhileItIsLetIn(t *testing.T) {
	in := ofPull(letInRun, head, v1alpha1.RunQueued)
	in.Spec.Origin.Delivery = letInBy(pullEvent(""))
	f := newFixture(t, setup{
		objects: objects(pipeline(), trigger("web-pr", v1alpha1.ProviderGitHub, onPulls)),
		funcs: interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := client.IgnoreAlreadyExists(c.Create(ctx, in.DeepCopy())); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		}},
	})
	f.tell(t, "d1", pullEvent(v1alpha1.ActionOpened))
	if held := f.held(t); len(held) > 0 {
		t.Errorf("held: %v", held)
	}
}
