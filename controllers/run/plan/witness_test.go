package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/controllers/run/plan"
)

func podEvent(reason, container string) corev1.Event {
	return corev1.Event{Reason: reason, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "j-x7k2p", FieldPath: container}}
}

func TestEndedByItself(t *testing.T) {
	t.Parallel()
	const main, sidecar = "spec.containers{main}", "spec.initContainers{proxy}"
	started := podEvent("Started", main)
	anothers := podEvent("Killing", main)
	anothers.InvolvedObject.Name = "another"
	job := podEvent("Killing", "")
	job.InvolvedObject.Kind = "Job"
	for _, tt := range []struct {
		name   string
		events []corev1.Event
		want   bool
	}{
		{name: "started, and no more", events: []corev1.Event{podEvent("Scheduled", ""), podEvent("Pulled", main), started}, want: true},
		{name: "no events any more"},
		{name: "not started, for all that is left of the events", events: []corev1.Event{podEvent("Scheduled", "")}},
		{name: "only a sidecar's start is left", events: []corev1.Event{podEvent("Started", sidecar)}},
		{name: "told to end", events: []corev1.Event{started, podEvent("Killing", main)}},
		{name: "its sidecar was, when it had ended", events: []corev1.Event{podEvent("Started", sidecar), started, podEvent("Killing", sidecar)}, want: true},
		{name: "preempted", events: []corev1.Event{started, podEvent("Preempted", "")}},
		{name: "evicted for a taint", events: []corev1.Event{started, podEvent("TaintManagerEviction", "")}},
		{name: "another pod was told to", events: []corev1.Event{started, anothers, job}, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := plan.EndedByItself("j-x7k2p", tt.events); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestOnlyPod(t *testing.T) {
	t.Parallel()
	created := func(name string, count int32) corev1.Event {
		return corev1.Event{Reason: "SuccessfulCreate", Message: "Created pod: " + name, Count: count}
	}
	series := created("a", 0)
	series.Series = &corev1.EventSeries{Count: 2}
	for _, tt := range []struct {
		name   string
		events []corev1.Event
		want   string
	}{
		{name: "one", events: []corev1.Event{{Reason: "Suspended"}, created("a", 1), {Reason: "Completed", Message: "Job completed"}}, want: "a"},
		{name: "of the newer kind of events", events: []corev1.Event{created("a", 0)}, want: "a"},
		{name: "two", events: []corev1.Event{created("a", 1), created("b", 1)}},
		{name: "counted twice", events: []corev1.Event{created("a", 2)}},
		{name: "a series", events: []corev1.Event{series}},
		{name: "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, only := plan.OnlyPod(tt.events)
			if diff := cmp.Diff(tt.want, got); diff != "" || only != (tt.want != "") {
				t.Errorf("only pod %t (-want +got):\n%s", only, diff)
			}
		})
	}
}

// Only of a Job that is complete and has no pod left are events asked, and not
// before its pod's news should have come.
func TestUnwitnessed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		verdict batchv1.JobConditionType
		at      int
		pod     bool
		want    bool
	}{
		{name: "complete, its pod gone", verdict: batchv1.JobComplete, at: 80, want: true},
		{name: "complete just now", verdict: batchv1.JobComplete, at: 99},
		{name: "complete, and a pod is there", verdict: batchv1.JobComplete, at: 80, pod: true},
		{name: "failed", verdict: batchv1.JobFailed, at: 80},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", verdict(tt.verdict, "", "", tt.at))
			if tt.pod {
				withPod(f, "a", "pod")
			}
			if _, got := f.Unwitnessed()["a"]; got != tt.want {
				t.Errorf("asked for %t, want %t", got, tt.want)
			}
		})
	}
}
