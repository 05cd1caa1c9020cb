package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// TestLatePod has a pod's own timeout end it, with a container that has run or
// without one: then the events of the pod are asked what kept it.
func TestLatePod(t *testing.T) {
	t.Parallel()
	mount := evidence.Why{Reason: "FailedMount", Message: `pod x: secret "s" not found`}
	late := []podOption{deadline(600), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", "")}
	with := func(more ...podOption) []podOption { return append(more, late...) }
	const stopped = "stopped after its timeout of 10m"
	for _, tt := range []struct {
		name string
		pod  []podOption
		why  evidence.Why
		ask  bool
		want string
	}{
		{name: "ran", pod: with(exit(143, "Error", 90)), why: mount, want: stopped},
		{name: "an init container ran", pod: with(initExit(0, 90), waiting("PodInitializing", "")), why: mount, want: stopped},
		{name: "nothing is known", pod: with(waiting("ContainerCreating", "")), ask: true, want: stopped + " before it started"},
		{
			name: "a volume", pod: with(waiting("ContainerCreating", "")), why: mount, ask: true,
			want: stopped + ` before it started: pod x: secret "s" not found`,
		},
		{
			name: "an image", pod: with(waiting("ErrImagePull", "no such host")), ask: true,
			want: stopped + " before it started: container main: can't pull image registry.example.com/app:1: no such host",
		},
		{
			name: "a Secret", pod: with(exit(137, "ContainerStatusUnknown", 0)), why: evidence.Why{Reason: "Failed", Message: `secret "s" not found`}, ask: true,
			want: stopped + ` before it started: secret "s" not found`,
		},
		{
			name: "ran, and was lost", pod: with(exit(137, "ContainerStatusUnknown", 0), func(p *corev1.Pod) { p.Status.ContainerStatuses[0].ContainerID = "x" }),
			why: mount, want: stopped,
		},
	} {
		want := outcome{"Failed", "TimedOut", tt.want}
		identified := append([]podOption{func(p *corev1.Pod) { p.UID = "pod-uid" }}, tt.pod...)
		t.Run("job: "+tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", backoffLimit(95))
			withPod(f, "a", "pod", identified...)
			if diff := cmp.Diff(asks(tt.ask, "a", "pod-uid"), asked(f)); diff != "" {
				t.Errorf("asks for the events of (-want +got):\n%s", diff)
			}
			f.Explained = map[string]evidence.Why{"a": tt.why}
			if diff := cmp.Diff(want, outcomes(plan.Decide(f))["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
		t.Run("notifier: "+tt.name, func(t *testing.T) {
			t.Parallel()
			f := notified("Failed", v1alpha1.NotifierStatus{Name: "chat", Phase: "Failed", Job: "run-chat"})
			told(f, "Failed", backoffLimit(95))
			withPod(f, "chat", "pod", identified...)
			if diff := cmp.Diff(asks(tt.ask, "chat/Failed", "pod-uid"), asked(f)); diff != "" {
				t.Errorf("asks for the events of (-want +got):\n%s", diff)
			}
			f.Explained = map[string]evidence.Why{"chat/Failed": tt.why}
			got := plan.Decide(f).Status.Notifiers[0]
			if diff := cmp.Diff(want, outcome{want.Phase, got.Reason, got.Message}); diff != "" {
				t.Errorf("notifier (-want +got):\n%s", diff)
			}
		})
	}
}
