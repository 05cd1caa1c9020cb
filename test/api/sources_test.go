package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/schedule"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/controllers/trigger/upstream"
)

// TestSources: what a fake can't prove of the sources of Runs is that watches and
// indexes wake them, and that the API server keeps what they record.
func TestSources(t *testing.T) {
	cfg := serverConfig(t)
	c := newClient(t, cfg)
	namespace := newNamespace(t, c)
	// Three minutes ahead, a time of each minute's schedule has passed.
	clock := clocktesting.NewFakePassiveClock(time.Now().Add(3 * time.Minute))
	startManager(t, cfg, namespace, func(mgr ctrl.Manager) error {
		launcher := &source.Launcher{Client: mgr.GetClient(), Starter: &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader()}}
		recorder := mgr.GetEventRecorder("kayci")
		byClock := &schedule.Reconciler{Client: mgr.GetClient(), Launcher: launcher, Recorder: recorder, Clock: clock}
		if err := byClock.SetupWithManager(mgr, controller.Options{}); err != nil {
			return err
		}
		byEnd := &upstream.Reconciler{Client: mgr.GetClient(), Launcher: launcher, Recorder: recorder, Clock: clock}
		return byEnd.SetupWithManager(mgr, controller.Options{})
	})
	trigger := func(name string, spec v1alpha1.TriggerSpec) *v1alpha1.Trigger {
		spec.Pipeline = name
		return &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
	}
	pipeline := func(name string) *v1alpha1.Pipeline {
		p := graph(namespace, "test")
		p.Name = name
		return p
	}
	for _, object := range []client.Object{
		pipeline("web"), pipeline("deploy"),
		trigger("web", v1alpha1.TriggerSpec{Schedule: &v1alpha1.Schedule{
			Cron: "* * * * *", TimeZone: "Europe/Berlin", StartingDeadline: &metav1.Duration{Duration: time.Hour}, Jitter: &metav1.Duration{},
		}}),
		trigger("deploy", v1alpha1.TriggerSpec{Run: &v1alpha1.RunEnd{Pipeline: "web", Phases: []v1alpha1.RunPhase{v1alpha1.RunFailed}, If: "run.number == 1"}}),
	} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	first := startedBy(t, c, namespace, "web")
	due := clock.Now().UTC().Truncate(time.Minute).Format(time.RFC3339)
	if diff := cmp.Diff(&v1alpha1.Origin{Trigger: "web", Delivery: due}, first.Spec.Origin); diff != "" {
		t.Errorf("origin of the schedule's Run (-want +got):\n%s", diff)
	}
	ended := first.DeepCopy()
	ended.Status.Phase, ended.Status.Number, ended.Status.CompletionTime = v1alpha1.RunFailed, 1, &metav1.Time{Time: clock.Now()}
	if err := c.Status().Patch(t.Context(), ended, client.MergeFrom(first)); err != nil {
		t.Fatal(err)
	}
	next := startedBy(t, c, namespace, "deploy")
	if diff := cmp.Diff(&v1alpha1.Origin{Trigger: "deploy", Delivery: string(first.UID), Run: first.Name, Depth: 1}, next.Spec.Origin); diff != "" {
		t.Errorf("origin of the Run that follows (-want +got):\n%s", diff)
	}
	eventually(t, "both are recorded", func(ctx context.Context) error {
		var byClock, byEnd v1alpha1.Trigger
		for name, into := range map[string]*v1alpha1.Trigger{"web": &byClock, "deploy": &byEnd} {
			if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into); err != nil {
				return err
			}
		}
		last, known := byClock.Status.LastScheduleTime, byEnd.Status.Run
		if last == nil || last.UTC().Format(time.RFC3339) != due || known == nil || len(known.Handled) != 1 || known.Handled[0].UID != first.UID {
			return fmt.Errorf("the statuses are %+v and %+v", byClock.Status, byEnd.Status)
		}
		return nil
	})
}

// startedBy waits for the Run of a Trigger.
func startedBy(t *testing.T, c client.Client, namespace, trigger string) *v1alpha1.Run {
	t.Helper()
	var runs v1alpha1.RunList
	eventually(t, trigger+" has started a Run", func(ctx context.Context) error {
		if err := c.List(ctx, &runs, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.TriggerLabel: trigger}); err != nil {
			return err
		}
		if len(runs.Items) != 1 {
			return fmt.Errorf("there are %d", len(runs.Items))
		}
		return nil
	})
	return &runs.Items[0]
}

// TestTriggerHasOneSource: the API server refuses none and several, whether the
// admission webhook is on or not.
func TestTriggerHasOneSource(t *testing.T) {
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	for name, spec := range map[string]v1alpha1.TriggerSpec{
		"none":    {Pipeline: "web"},
		"two":     {Pipeline: "web", Schedule: &v1alpha1.Schedule{Cron: "@daily"}, Run: &v1alpha1.RunEnd{Pipeline: "build"}},
		"instant": {Pipeline: "web", Schedule: &v1alpha1.Schedule{Cron: "@daily", StartingDeadline: &metav1.Duration{Duration: time.Second}}},
		"jitter":  {Pipeline: "web", Schedule: &v1alpha1.Schedule{Cron: "@daily", Jitter: &metav1.Duration{Duration: 25 * time.Hour}}},
	} {
		trigger := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: spec}
		if err := c.Create(t.Context(), trigger); err == nil {
			t.Errorf("%s is admitted", name)
		}
	}
}
