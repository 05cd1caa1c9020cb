package schedule

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	// statuses and creates count writes; failStatus fails the next one of a status.
	statuses, creates int
	failStatus        error
}

func newWorld(t *testing.T, now string, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clocktesting.NewFakePassiveClock(clockTime(now)), told: events.NewFakeRecorder(10)}
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithStatusSubresource(&v1alpha1.Trigger{}).
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
				if _, is := obj.(*v1alpha1.Run); is {
					w.creates++
				}
				return c.Create(ctx, obj, opts...)
			},
		}).Build()
	return w
}

// look has a new replica look at the Trigger, with the cache of that client.
func (w *world) look(cache client.Client) (ctrl.Result, error) {
	w.t.Helper()
	r := &Reconciler{
		Client: cache, Recorder: w.told, Clock: w.clock,
		Launcher: &source.Launcher{Client: cache, Starter: &start.Starter{Client: w, APIReader: w}},
	}
	return r.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "ci", Name: "nightly"}})
}

func (w *world) at(now string) time.Duration {
	w.t.Helper()
	w.clock.SetTime(clockTime(now))
	result, err := w.look(w)
	if err != nil {
		w.t.Fatal(err)
	}
	return result.RequeueAfter
}

// shown is what a person sees.
type shown struct {
	Last, Next string
	Since      string
	Runs       []string
	Events     []string
}

func (w *world) shown() shown {
	w.t.Helper()
	var trigger v1alpha1.Trigger
	var runs v1alpha1.RunList
	err := errors.Join(w.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: "nightly"}, &trigger), w.List(w.t.Context(), &runs))
	if err != nil {
		w.t.Fatal(err)
	}
	var s shown
	for _, field := range []struct {
		to   *string
		from *metav1.Time
	}{{&s.Last, trigger.Status.LastScheduleTime}, {&s.Next, trigger.Status.NextScheduleTime}} {
		if field.from != nil {
			*field.to = written(field.from.Time)
		}
	}
	if known := trigger.Status.Schedule; known != nil {
		s.Since = written(known.Since.Time)
	}
	for i := range runs.Items {
		s.Runs = append(s.Runs, runs.Items[i].Spec.Origin.Delivery)
	}
	for len(w.told.Events) > 0 {
		s.Events = append(s.Events, <-w.told.Events)
	}
	return s
}

func (w *world) want(want shown) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.shown()); diff != "" {
		w.t.Errorf("-want +got:\n%s", diff)
	}
}

// edit changes the Trigger's spec as a person does.
func (w *world) edit(change func(*v1alpha1.Trigger)) {
	w.t.Helper()
	var trigger v1alpha1.Trigger
	if err := w.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: "nightly"}, &trigger); err != nil {
		w.t.Fatal(err)
	}
	change(&trigger)
	trigger.Generation++
	if err := w.Update(w.t.Context(), &trigger); err != nil {
		w.t.Fatal(err)
	}
}

func web(params ...v1alpha1.Param) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "web-uid"},
		Spec:       v1alpha1.PipelineSpec{Params: params, Jobs: []v1alpha1.Job{{Name: "test"}}},
	}
}

func nightly(edits ...func(*v1alpha1.Trigger)) *v1alpha1.Trigger {
	return scheduled("0 3 * * *", "Europe/Berlin", edits...)
}

func TestRunIsStartedOnceForItsTime(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", web(v1alpha1.Param{Name: "day"}), nightly(func(t *v1alpha1.Trigger) {
		t.Spec.Params = map[string]string{"day": "string(time.getDayOfYear('Europe/Berlin') + 1)"}
	}))
	if next := w.at("2026-01-01T00:00:00Z"); next != recheck {
		t.Errorf("looks again after %s", next)
	}
	w.want(shown{Since: "2026-01-01T00:00:00Z", Next: "2026-01-01T02:00:00Z"})
	if next := w.at("2026-01-01T01:59:30Z"); next != 30*time.Second {
		t.Errorf("looks again after %s", next)
	}
	if w.statuses != 1 {
		t.Errorf("%d writes before the time", w.statuses)
	}
	started := shown{Since: "2026-01-01T00:00:00Z", Last: "2026-01-01T02:00:00Z", Next: "2026-01-02T02:00:00Z", Runs: []string{"2026-01-01T02:00:00Z"}}
	for range 2 {
		w.at("2026-01-01T02:00:00.2Z")
		w.want(started)
	}
	if w.statuses != 2 || w.creates != 1 {
		t.Errorf("%d writes of the status and %d of Runs", w.statuses, w.creates)
	}
	var run v1alpha1.Run
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: start.RunName("nightly", "2026-01-01T02:00:00Z")}, &run); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.TriggerLabel: "nightly"},
			Annotations: map[string]string{v1alpha1.ReasonAnnotation: "the schedule's time has come: 2026-01-01T03:00:00+01:00"},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Params: map[string]string{"day": "1"},
			Origin: &v1alpha1.Origin{Trigger: "nightly", Delivery: "2026-01-01T02:00:00Z"},
		},
	}
	ignore := cmp.Options{
		cmpopts.IgnoreFields(metav1.ObjectMeta{}, "Namespace", "Name", "OwnerReferences", "ResourceVersion"),
		cmpopts.IgnoreFields(v1alpha1.RunSpec{}, "Revision"),
	}
	if diff := cmp.Diff(want, run, ignore); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCrashBetweenRunAndRecord(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", web(), nightly())
	w.failStatus = apierrors.NewTimeoutError("killed", 1)
	w.clock.SetTime(clockTime("2026-01-01T02:00:00Z"))
	if _, err := w.look(w); !apierrors.IsTimeout(err) {
		t.Fatalf("the error is %v", err)
	}
	w.want(shown{Runs: []string{"2026-01-01T02:00:00Z"}})
	w.at("2026-01-01T02:05:00Z")
	w.want(shown{Since: "2026-01-01T00:00:00Z", Last: "2026-01-01T02:00:00Z", Next: "2026-01-02T02:00:00Z", Runs: []string{"2026-01-01T02:00:00Z"}})
}

func TestConflictIsLookedAtAgain(t *testing.T) {
	w := newWorld(t, "2026-01-01T02:00:00Z", web(), nightly())
	w.failStatus = apierrors.NewConflict(schema.GroupResource{Resource: "triggers"}, "nightly", nil)
	if next := w.at("2026-01-01T02:00:00Z"); next != 100*time.Millisecond {
		t.Errorf("looks again after %s", next)
	}
}

// A replica that doesn't know yet that another one leads has the cache of before.
func TestTwoReplicasStartOneRun(t *testing.T) {
	w := newWorld(t, "2026-01-01T02:00:00Z", web(), nightly())
	stale := newWorld(t, "2026-01-01T02:00:00Z", web(), nightly())
	w.at("2026-01-01T02:00:00Z")
	if _, err := w.look(stale); err != nil {
		t.Fatal(err)
	}
	w.want(shown{Since: "2026-01-01T00:00:00Z", Last: "2026-01-01T02:00:00Z", Next: "2026-01-02T02:00:00Z", Runs: []string{"2026-01-01T02:00:00Z"}})
}

func TestOneRunCatchesUp(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", web(), scheduled("*/10 * * * *", ""))
	w.at("2026-01-03T12:34:00Z")
	w.want(shown{Since: "2026-01-01T00:00:00Z", Last: "2026-01-03T12:30:00Z", Next: "2026-01-03T12:40:00Z", Runs: []string{"2026-01-03T12:30:00Z"}})
}

func TestMissedTimeIsToldOnce(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", web(), nightly())
	missed := shown{Since: "2026-01-01T02:00:00Z", Next: "2026-01-02T02:00:00Z", Events: []string{
		"Warning Missed no Run for 2026-01-01T03:00:00+01:00: it is more than the starting deadline of 1h ago",
	}}
	w.at("2026-01-01T08:00:00Z")
	w.want(missed)
	missed.Events = nil
	w.at("2026-01-01T08:00:01Z")
	w.want(missed)
	if w.statuses != 1 {
		t.Errorf("%d writes", w.statuses)
	}
}

func TestWhatCantBeStartedIsTriedAgain(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", nightly())
	blocked := shown{Since: "2026-01-01T00:00:00Z", Next: "2026-01-02T02:00:00Z", Events: []string{
		"Warning CannotStart no Run for 2026-01-01T03:00:00+01:00, which is tried again until the next time or the starting deadline: " +
			"Pipeline web does not exist in this namespace: create it, or correct spec.pipeline",
	}}
	if next := w.at("2026-01-01T02:00:00Z"); next != retry {
		t.Errorf("looks again after %s", next)
	}
	w.want(blocked)
	if err := w.Create(t.Context(), web(v1alpha1.Param{Name: "sha"})); err != nil {
		t.Fatal(err)
	}
	w.at("2026-01-01T02:01:00Z")
	blocked.Events = []string{
		"Warning CannotStart no Run for 2026-01-01T03:00:00+01:00, which is tried again until the next time or the starting deadline: " +
			"params[sha]: Required value: the Pipeline gives it no default",
	}
	w.want(blocked)
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Params = map[string]string{"sha": "'8f3c'"} })
	w.at("2026-01-01T02:02:00Z")
	w.want(shown{Since: "2026-01-01T00:00:00Z", Last: "2026-01-01T02:00:00Z", Next: "2026-01-02T02:00:00Z", Runs: []string{"2026-01-01T02:00:00Z"}})
}

func TestNothingIsStartedForWhatPassedWhileSuspended(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", web(), nightly())
	w.at("2026-01-01T00:00:00Z")
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Suspend = true })
	for range 2 {
		if next := w.at("2026-01-01T02:00:00Z"); next != 0 {
			t.Errorf("looks again after %s", next)
		}
	}
	w.want(shown{Since: "2026-01-01T00:00:00Z"})
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Suspend = false })
	w.at("2026-01-01T02:10:00Z")
	w.want(shown{Since: "2026-01-01T02:10:00Z", Next: "2026-01-02T02:00:00Z"})
	if w.statuses != 3 {
		t.Errorf("%d writes", w.statuses)
	}
}

func TestAnotherScheduleStartsNothingForThePast(t *testing.T) {
	w := newWorld(t, "2026-01-01T00:00:00Z", web(), nightly())
	w.at("2026-01-01T02:00:00Z")
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Schedule.Cron = "30 3 * * *" })
	w.at("2026-01-01T02:40:00Z")
	w.want(shown{Since: "2026-01-01T02:40:00Z", Last: "2026-01-01T02:00:00Z", Next: "2026-01-02T02:30:00Z", Runs: []string{"2026-01-01T02:00:00Z"}})
	w.edit(func(t *v1alpha1.Trigger) { t.Spec.Schedule, t.Spec.Webhook = nil, &v1alpha1.Webhook{} })
	w.at("2026-01-01T02:50:00Z")
	w.want(shown{Runs: []string{"2026-01-01T02:00:00Z"}})
}
