package upstream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/test/copies"
)

// world is a fake API server with a Trigger, and replicas over it.
type world struct {
	client.Client
	t     *testing.T
	clock *clocktesting.FakePassiveClock
	told  *events.FakeRecorder
	// statuses and creates count writes; failStatus and failCreate fail the next one.
	statuses, creates      int
	failStatus, failCreate error
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clocktesting.NewFakePassiveClock(minute(0)), told: events.NewFakeRecorder(200)}
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithStatusSubresource(&v1alpha1.Trigger{}).
		WithIndex(&v1alpha1.Run{}, runsByEnd, RunByEnd).WithIndex(&v1alpha1.Trigger{}, triggersByRun, TriggerByRun).
		WithInterceptorFuncs(interceptor.Funcs{
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
				if err := w.failStatus; err != nil {
					w.failStatus = nil
					return err
				}
				w.statuses++
				return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
			},
			Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				if run, is := obj.(*v1alpha1.Run); is && run.Spec.Pipeline == "deploy" {
					if err := w.failCreate; err != nil {
						w.failCreate = nil
						return err
					}
					w.creates++
				}
				return c.Create(ctx, obj, opts...)
			},
		}).Build()
	return w
}

// look has a new replica look at the Trigger.
func (w *world) look() (ctrl.Result, error) {
	w.t.Helper()
	r := &Reconciler{
		Client: w, Recorder: w.told, Clock: w.clock,
		Launcher: &source.Launcher{Client: w, Starter: &start.Starter{Client: w, APIReader: w}},
	}
	return r.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "ci", Name: "deploy"}})
}

func (w *world) at(n int) time.Duration {
	w.t.Helper()
	w.clock.SetTime(minute(n))
	result, err := w.look()
	if err != nil {
		w.t.Fatal(err)
	}
	return result.RequeueAfter
}

// followed are the Runs whose ends have started others.
func (w *world) followed() []string {
	w.t.Helper()
	var runs v1alpha1.RunList
	if err := w.List(w.t.Context(), &runs, client.MatchingLabels{v1alpha1.TriggerLabel: "deploy"}); err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for i := range runs.Items {
		names = append(names, runs.Items[i].Spec.Origin.Run)
	}
	return names
}

func (w *world) want(followed ...string) {
	w.t.Helper()
	sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(followed, w.followed(), sorted, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("followed (-want +got):\n%s", diff)
	}
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	var got []string
	for len(w.told.Events) > 0 {
		got = append(got, <-w.told.Events)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
}

func (w *world) add(objects ...client.Object) {
	w.t.Helper()
	for _, object := range objects {
		if err := w.Create(w.t.Context(), object); err != nil {
			w.t.Fatal(err)
		}
	}
}

// edit changes the Trigger's spec as a person does.
func (w *world) edit(change func(*v1alpha1.Trigger)) {
	w.t.Helper()
	var trigger v1alpha1.Trigger
	if err := w.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: "deploy"}, &trigger); err != nil {
		w.t.Fatal(err)
	}
	change(&trigger)
	trigger.Generation++
	if err := w.Update(w.t.Context(), &trigger); err != nil {
		w.t.Fatal(err)
	}
}

func deployment() *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "deploy", UID: "deploy-uid"},
		Spec:       v1alpha1.PipelineSpec{Params: []v1alpha1.Param{{Name: "sha"}}, Jobs: []v1alpha1.Job{{Name: "deploy"}}},
	}
}

func TestEachEndStartsOneRun(t *testing.T) {
	running := build("running", 12)
	running.Status.Phase, running.Status.CompletionTime = v1alpha1.RunRunning, nil
	w := newWorld(t, deployment(), deploy(), build("before", 9), build("failed", 12, func(r *v1alpha1.Run) { r.Status.Phase = v1alpha1.RunFailed }),
		build("docs", 12, func(r *v1alpha1.Run) { r.Spec.Pipeline = "docs" }), build("b-1", 12), running)
	for range 2 {
		if next := w.at(13); next != 0 {
			t.Errorf("looks again after %s", next)
		}
		w.want("b-1")
	}
	w.add(build("b-2", 14, func(r *v1alpha1.Run) { r.Spec.RetryOf = "b-1" }))
	w.at(15)
	w.want("b-1", "b-2")
	if w.statuses != 2 || w.creates != 2 {
		t.Errorf("%d writes of the status, %d Runs", w.statuses, w.creates)
	}
	var run v1alpha1.Run
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: start.RunName("deploy", "b-1-uid")}, &run); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{v1alpha1.PipelineLabel: "deploy", v1alpha1.TriggerLabel: "deploy"},
			Annotations: map[string]string{v1alpha1.ReasonAnnotation: "b-1, number 12, of Pipeline build has ended: Succeeded"},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: "deploy", Params: map[string]string{"sha": "8f3c"},
			Origin: &v1alpha1.Origin{
				Trigger: "deploy", Provider: v1alpha1.ProviderGitHub, Delivery: "b-1-uid", Repository: "acme/web",
				SHA: "8f3c", Ref: "refs/heads/main", Branch: "main", Sender: "ada", Run: "b-1", Depth: 1,
			},
		},
	}
	ignore := cmp.Options{
		cmpopts.IgnoreFields(metav1.ObjectMeta{}, "Namespace", "Name", "OwnerReferences", "ResourceVersion"),
		cmpopts.IgnoreFields(v1alpha1.RunSpec{}, "Revision"),
	}
	if diff := cmp.Diff(want, run, ignore); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	w.wantTold()
}

func TestCrashBetweenRunAndRecord(t *testing.T) {
	w := newWorld(t, deployment(), deploy(), build("b-1", 12))
	w.clock.SetTime(minute(13))
	w.failStatus = apierrors.NewTimeoutError("killed", 1)
	if _, err := w.look(); !apierrors.IsTimeout(err) {
		t.Fatalf("the error is %v", err)
	}
	w.want("b-1")
	w.at(14)
	w.want("b-1")
}

// What was deleted afterwards isn't started again, however often KayCI is.
func TestDeletedRunIsNotStartedAgain(t *testing.T) {
	w := newWorld(t, deployment(), deploy(), build("b-1", 12))
	w.at(13)
	if err := w.DeleteAllOf(t.Context(), &v1alpha1.Run{}, client.InNamespace("ci"), client.MatchingLabels{v1alpha1.TriggerLabel: "deploy"}); err != nil {
		t.Fatal(err)
	}
	w.at(14)
	w.add(build("b-2", 50))
	w.at(51)
	w.want("b-2")
}

func TestWorldsErrorLeavesTheRest(t *testing.T) {
	w := newWorld(t, deployment(), deploy(), build("b-1", 12), build("b-2", 13))
	w.clock.SetTime(minute(14))
	w.failCreate = apierrors.NewTooManyRequests("later", 1)
	if _, err := w.look(); !apierrors.IsTooManyRequests(err) {
		t.Fatalf("the error is %v", err)
	}
	w.want()
	w.at(15)
	w.want("b-1", "b-2")
}

func TestManyEndsAtOnce(t *testing.T) {
	w := newWorld(t, deployment(), deploy())
	var names []string
	for i := range 120 {
		names = append(names, fmt.Sprintf("b-%d", i))
		w.add(build(names[i], 12))
	}
	for next := time.Duration(1); next != 0; {
		next = w.at(13)
	}
	w.want(names...)
	if w.statuses != 3 || w.creates != 120 {
		t.Errorf("%d writes of the status, %d Runs", w.statuses, w.creates)
	}
}

func TestPipelineIsWaitedFor(t *testing.T) {
	w := newWorld(t, deploy(), build("b-1", 12))
	if next := w.at(13); next != retry {
		t.Errorf("looks again after %s", next)
	}
	w.wantTold()
	w.add(build("b-2", 71))
	w.at(72)
	w.wantTold("Warning CannotStart no Run follows b-1: Pipeline deploy does not exist in this namespace: create it, or correct spec.pipeline")
	w.add(deployment())
	w.at(73)
	w.want("b-2")
}

func TestNothingFollowsWhatEndedWhileSuspended(t *testing.T) {
	w := newWorld(t, deployment(), deploy())
	w.at(11)
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Suspend = true })
	w.at(12)
	w.add(build("b-1", 13))
	w.at(14)
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Suspend = false })
	w.at(15)
	w.add(build("b-2", 16))
	w.at(17)
	w.want("b-2")
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Run, t.Spec.Webhook = nil, &v1alpha1.Webhook{} })
	w.at(18)
	var trigger v1alpha1.Trigger
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "deploy"}, &trigger); err != nil || trigger.Status.Run != nil {
		t.Errorf("%+v, %v", trigger.Status.Run, err)
	}
}

func TestLoopStartsNothing(t *testing.T) {
	back := deploy(func(t *v1alpha1.Trigger) { t.Name, t.Spec.Pipeline, t.Spec.Run.Pipeline = "back", "build", "deploy" })
	w := newWorld(t, deployment(), deploy(), back, build("b-1", 12))
	w.at(13)
	w.want()
}

func TestWhatDoesNotFollow(t *testing.T) {
	fork := func(r *v1alpha1.Run) {
		r.Spec.Origin.Fork, r.Spec.Origin.PullRequest, r.Spec.Origin.Branch = true, 7, ""
	}
	when := func(condition string) func(*v1alpha1.Trigger) {
		return func(t *v1alpha1.Trigger) { t.Spec.Run.If = condition }
	}
	for name, tt := range map[string]struct {
		trigger *v1alpha1.Trigger
		run     *v1alpha1.Run
		want    bool
		told    string
	}{
		"a fork's":             {deploy(), build("b", 12, fork), false, ""},
		"a fork's, if wanted":  {deploy(func(t *v1alpha1.Trigger) { t.Spec.Run.Forks = v1alpha1.RunEndForksRun }), build("b", 12, fork), true, ""},
		"another branch's":     {deploy(when("run.origin.branch == 'main'")), build("b", 12, func(r *v1alpha1.Run) { r.Spec.Origin.Branch = "wip" }), false, ""},
		"that branch's":        {deploy(when("run.origin.branch == 'main'")), build("b", 12), true, ""},
		"an output is missing": {deploy(when("run.outputs.build.image != ''")), build("b", 12), false, "Warning CannotStart no Run follows b: spec.run.if: 1:18: no such key: build (write run.outputs.?build.?version.orValue('') for an output that may be missing)"},
		"made by hand":         {deploy(func(t *v1alpha1.Trigger) { t.Spec.Params["sha"] = "'x' + run.origin.sha" }), build("b", 12, func(r *v1alpha1.Run) { r.Spec.Origin = nil }), true, ""},
		"a parameter is wrong": {deploy(func(t *v1alpha1.Trigger) { t.Spec.Params["to"] = "'x'" }), build("b", 12), false, "Warning CannotStart no Run follows b: params[to]: Invalid value: the Pipeline does not declare it; it declares: sha"},
		"the seventh":          {deploy(), build("b", 12, func(r *v1alpha1.Run) { r.Spec.Origin.Depth = 7 }), true, ""},
		"too deep":             {deploy(), build("b", 12, func(r *v1alpha1.Run) { r.Spec.Origin.Depth = 8 }), false, "Warning TooDeep no Run follows b: 8 Runs have led to it by their ends, one after the other, and that is the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, deployment(), tt.trigger, tt.run)
			for range 2 {
				w.at(13)
			}
			if got := w.followed(); len(got) == 1 != tt.want {
				t.Errorf("followed: %v", got)
			}
			if tt.told == "" {
				w.wantTold()
			} else {
				w.wantTold(tt.told)
			}
			if w.statuses != 1 {
				t.Errorf("%d writes", w.statuses)
			}
			if tt.run.Spec.Origin == nil || !tt.want {
				return
			}
			var run v1alpha1.Run
			if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: start.RunName("deploy", "b-uid")}, &run); err != nil {
				t.Fatal(err)
			}
			want := *tt.run.Spec.Origin
			want.Trigger, want.Delivery, want.Digest, want.Run = "deploy", "b-uid", "", "b"
			want.Depth++
			if diff := cmp.Diff(&want, run.Spec.Origin); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTriggersOf(t *testing.T) {
	other := deploy(func(t *v1alpha1.Trigger) { t.Name, t.Spec.Run.Pipeline = "other", "docs" })
	elsewhere := deploy(func(t *v1alpha1.Trigger) { t.Namespace = "prod" })
	w := newWorld(t, deploy(), other, elsewhere)
	r := &Reconciler{Client: w}
	mine := []ctrl.Request{{NamespacedName: client.ObjectKey{Namespace: "ci", Name: "deploy"}}}
	if diff := cmp.Diff(mine, r.triggersOf(t.Context(), build("b", 12))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	running := build("b", 12)
	running.Status.Phase = v1alpha1.RunRunning
	if got := r.triggersOf(t.Context(), running); got != nil {
		t.Errorf("a Run that runs: %v", got)
	}
	if got := Waiting(w)(t.Context(), deploy()); len(got) != 2 {
		t.Errorf("those that wait are %v", got)
	}
}
