package evidence_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
)

func at(second int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC))
}

func TestStartFailure(t *testing.T) {
	t.Parallel()
	event := func(reason, message string, second int) corev1.Event {
		return corev1.Event{InvolvedObject: corev1.ObjectReference{Name: "x"}, Reason: reason, Message: message, LastTimestamp: at(second)}
	}
	for _, tt := range []struct {
		name   string
		events []corev1.Event
		want   evidence.Why
	}{
		{name: "none"},
		{name: "others", events: []corev1.Event{event("Scheduled", "assigned", 5), event("Anything", "somebody says so", 9)}},
		{
			name: "the newest", events: []corev1.Event{event("FailedMount", "old", 3), event("FailedCreatePodSandBox", "no network", 5), event("Pulling", "", 7)},
			want: evidence.Why{Reason: "FailedCreatePodSandBox", Message: "pod x: no network"},
		},
	} {
		if diff := cmp.Diff(tt.want, evidence.StartFailure(tt.events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestLateFailure(t *testing.T) {
	t.Parallel()
	event := func(reason, message string, second int) corev1.Event {
		return corev1.Event{InvolvedObject: corev1.ObjectReference{Name: "x"}, Reason: reason, Message: message, LastTimestamp: at(second)}
	}
	pull := event("Failed", `Failed to pull image "app": no such host`, 2)
	for _, tt := range []struct {
		name   string
		events []corev1.Event
		want   evidence.Why
	}{
		{name: "none"},
		{name: "others", events: []corev1.Event{event("Scheduled", "assigned", 1), event("BackOff", "Back-off pulling image", 9)}},
		{name: "a container", events: []corev1.Event{pull, event("Failed", "Error: ErrImagePull", 3)}, want: evidence.Why{Reason: "Failed", Message: pull.Message}},
		{name: "a volume, too", events: []corev1.Event{pull, event("FailedMount", "no Secret", 1)}, want: evidence.Why{Reason: "FailedMount", Message: "pod x: no Secret"}},
	} {
		if diff := cmp.Diff(tt.want, evidence.LateFailure(tt.events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCreateFailure(t *testing.T) {
	t.Parallel()
	event := func(reason, message string, second int) corev1.Event {
		return corev1.Event{Reason: reason, Message: message, LastTimestamp: at(second)}
	}
	again := event("FailedCreate", "again and again", 1)
	again.Series = &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(at(9).Time)}
	micro := corev1.Event{Reason: "FailedCreate", Message: "by the newer kind", EventTime: metav1.NewMicroTime(at(9).Time)}
	for _, tt := range []struct {
		name   string
		events []corev1.Event
		want   string
	}{
		{name: "none"},
		{name: "others", events: []corev1.Event{event("Suspended", "Job suspended", 5)}},
		{name: "the newest", events: []corev1.Event{event("FailedCreate", "old", 3), event("FailedCreate", "new", 5), event("FailedCreate", "older", 2)}, want: "new"},
		{name: "solved since", events: []corev1.Event{event("FailedCreate", "old", 3), event("SuccessfulCreate", "Created pod: a", 4)}},
		{name: "came after a success", events: []corev1.Event{event("SuccessfulCreate", "Created pod: a", 4), event("FailedCreate", "new", 5)}, want: "new"},
		{name: "in a series", events: []corev1.Event{event("SuccessfulCreate", "Created pod: a", 4), again}, want: "again and again"},
		{name: "with a precise time", events: []corev1.Event{event("SuccessfulCreate", "Created pod: a", 4), micro}, want: "by the newer kind"},
	} {
		want := evidence.Why{Message: tt.want}
		if tt.want != "" {
			want.Reason = "FailedCreate"
		}
		if diff := cmp.Diff(want, evidence.CreateFailure(tt.events)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

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
			if got := evidence.EndedByItself("j-x7k2p", tt.events); got != tt.want {
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
			got, only := evidence.OnlyPod(tt.events)
			if diff := cmp.Diff(tt.want, got); diff != "" || only != (tt.want != "") {
				t.Errorf("only pod %t (-want +got):\n%s", only, diff)
			}
		})
	}
}
