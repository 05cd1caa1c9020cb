package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// stalled is a pod that a node has taken at that second, and whose volumes or
// network aren't there.
func stalled(seconds int) podOption {
	return func(p *corev1.Pod) {
		waiting("ContainerCreating", "")(p)
		p.Status.StartTime = ts(seconds)
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionFalse})
	}
}

// TestStalledPod asks, at second 100, which pods to ask for their events, and
// what a job shows of what they said.
func TestStalledPod(t *testing.T) {
	t.Parallel()
	const lasting = time.Hour - 99*time.Second // the pod is of second 1
	mount := evidence.Why{Reason: "FailedMount", Message: `pod x: MountVolume.SetUp failed for volume "s" : secret "s" not found`}
	running := outcome{Phase: "Running"}
	known := outcome{"Running", mount.Reason, mount.Message}
	untaken := outcome{"Running", "NodeSilent", "pod pod was given to node node, which has not begun with it"}
	for _, tt := range []struct {
		name     string
		recorded outcome
		pod      []podOption
		why      evidence.Why
		ask      bool
		want     outcome
		requeue  time.Duration
		limit    time.Duration
	}{
		{name: "not for long", pod: []podOption{stalled(71)}, want: running, requeue: time.Second},
		{name: "for long", pod: []podOption{stalled(70)}, ask: true, want: running, requeue: 30 * time.Second},
		{name: "the reason is found", pod: []podOption{stalled(70)}, why: mount, ask: true, want: known, requeue: lasting},
		{name: "the reason is known", recorded: known, pod: []podOption{stalled(70)}, want: known, requeue: lasting},
		{name: "there was another reason", recorded: outcome{"Running", "Unschedulable", "full"}, pod: []podOption{stalled(71)}, want: running, requeue: time.Second},
		{name: "solved", recorded: known, pod: []podOption{waiting("ContainerCreating", "")}, want: running, requeue: lasting},
		{name: "runs", recorded: known, want: running},
		{name: "pulls an image", pod: []podOption{waiting("ContainerCreating", "")}, want: running, requeue: lasting},
		{name: "its node has not begun with it", pod: []podOption{unstarted, onNode}, want: untaken, requeue: lasting},
		{name: "its node has not begun with it yet", pod: []podOption{unstarted, onNode, created(71)}, want: running, requeue: time.Second},
		{name: "being deleted", pod: []podOption{stalled(70), deleted(90)}, want: running, requeue: 50 * time.Second},
		{name: "soon for too long", pod: []podOption{created(85), stalled(90)}, limit: 20 * time.Second, ask: true, want: running, requeue: 5 * time.Second},
		{name: "not yet half too long", pod: []podOption{created(85), stalled(91)}, limit: 20 * time.Second, want: running, requeue: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			if tt.limit > 0 {
				f.Spec.PendingTimeout = &metav1.Duration{Duration: tt.limit}
			}
			if tt.recorded.Phase != "" {
				record(f, "a", tt.recorded.Phase)
				f.Run.Status.Jobs[0].Reason, f.Run.Status.Jobs[0].Message = tt.recorded.Reason, tt.recorded.Message
			}
			withJob(f, "a")
			withPod(f, "a", "pod", append([]podOption{func(p *corev1.Pod) { p.UID = "pod-uid" }}, tt.pod...)...)
			if diff := cmp.Diff(asks(tt.ask, "a", "pod-uid"), asked(f)); diff != "" {
				t.Errorf("asks for the events of (-want +got):\n%s", diff)
			}
			f.Explained = map[string]evidence.Why{"a": tt.why}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if d.RequeueAfter != tt.requeue {
				t.Errorf("another look after %s, want %s", d.RequeueAfter, tt.requeue)
			}
		})
	}
}
