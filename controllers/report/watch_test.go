package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report"
)

func told(r *v1alpha1.Run) {
	passed(r)
	r.Status.Conditions = append(r.Status.Conditions, metav1.Condition{Type: "Reported", Status: "True", Reason: "Reported", LastTransitionTime: metav1.NewTime(noon)})
}

func TestSubjectOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		obj  client.Object
		want []string
	}{
		"of an event":     {run("a", 0), []string{"web-push/" + sha}},
		"by hand":         {run("a", 0, func(r *v1alpha1.Run) { r.Spec.Origin = nil }), nil},
		"of no commit":    {run("a", 0, func(r *v1alpha1.Run) { r.Spec.Origin.SHA = "" }), nil},
		"of no Trigger":   {run("a", 0, func(r *v1alpha1.Run) { r.Spec.Origin.Trigger = "" }), nil},
		"something other": {&v1alpha1.Trigger{}, nil},
	} {
		if diff := cmp.Diff(tt.want, report.SubjectOf(tt.obj)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRunNews(t *testing.T) {
	t.Parallel()
	news := report.RunNews()
	update := func(before, after *v1alpha1.Run) bool {
		return news.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})
	}
	got := map[string]bool{
		"a new Run":            news.Create(event.CreateEvent{Object: run("a", 0)}),
		"one that is reported": news.Create(event.CreateEvent{Object: run("a", 0, told)}),
		"goes on":              update(run("a", 0), run("a", 0, running)),
		"becomes reported":     update(run("a", 0, passed), run("a", 0, told)),
		"was reported":         update(run("a", 0, told), run("a", 0, told)),
		"is deleted":           news.Delete(event.DeleteEvent{Object: run("a", 0)}),
	}
	want := map[string]bool{"a new Run": true, "one that is reported": false, "goes on": true, "becomes reported": true, "was reported": false, "is deleted": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTriggerNews(t *testing.T) {
	t.Parallel()
	before, after := trigger("https://git.example.com"), trigger("https://git.example.com")
	after.Generation++
	news := report.TriggerNews()
	got := []bool{
		news.Create(event.CreateEvent{Object: before}),
		news.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: before}),
		news.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}),
		news.Delete(event.DeleteEvent{Object: before}),
	}
	if diff := cmp.Diff([]bool{false, false, true, true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOpen: a Trigger that was changed has all tried at once that isn't reported.
func TestOpen(t *testing.T) {
	t.Parallel()
	other := func(r *v1alpha1.Run) { r.Spec.Origin.SHA = "other" }
	w := newWorld(t, run("a", 0, running), run("b", 0, told, other), run("c", 0, other, func(r *v1alpha1.Run) { r.Spec.Origin.Trigger = "else" }))
	w.host.answer(503, "", "")
	w.expect("down", time.Second, 0, "pending: 0 of 0 jobs ended")
	want := []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: "ci", Name: "web-push/" + sha}}}
	if diff := cmp.Diff(want, w.reporter.Open(t.Context(), trigger(""))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, away := w.reporter.Remembered(); away != 0 {
		t.Error("the host is still left alone")
	}
}

// TestMemory: nothing is remembered of what is reported, deleted, or has no Trigger.
func TestMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, passed))
	w.expect("its end", 0, 1, "success: 1 of 1 jobs succeeded")
	w.expect("its echo", 0, 1)
	if posts, away := w.reporter.Remembered(); posts+away != 0 {
		t.Errorf("remembers %d posts and %d hosts of a Run that is reported", posts, away)
	}
	w.host.answer(503, "", "")
	if err := w.client.Create(t.Context(), run("b", 1, running)); err != nil {
		t.Fatal(err)
	}
	w.expect("down", time.Second, 1, "pending: 0 of 0 jobs ended")
	for _, name := range []string{"a", "b"} {
		if err := w.client.Delete(t.Context(), w.run(name)); err != nil {
			t.Fatal(err)
		}
	}
	w.expect("deleted while it is down", 0, 1)
	if posts, _ := w.reporter.Remembered(); posts != 0 {
		t.Errorf("remembers %d posts of deleted Runs", posts)
	}
}
