package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/controllers/run/plan"
)

// A Job counts a drained pod that ended with 0 as a success. So its verdict
// alone proves nothing: the pod does, or there is none.
func TestComplete(t *testing.T) {
	t.Parallel()
	succeeded := outcome{Phase: "Succeeded"}
	running := outcome{Phase: "Running"}
	gone := outcome{"Failed", "PodDeleted", "the Job is complete, but its pod is gone, and with it what shows that the program ended by itself"}
	disruption := outcome{"Failed", "Disrupted", "the pod was told to end (EvictionByEvictionAPI) and exited with code 0, which proves nothing; a program that exits otherwise on SIGTERM is retried"}
	two := func(j *batchv1.Job) { j.Spec.Completions = ptr.To[int32](2) }
	elsewhere := func(j *batchv1.Job) { j.Spec.ManagedBy = new("kueue.x-k8s.io/multikueue") }
	failed := []podOption{exit(1, "Error", 5), podPhase(corev1.PodFailed)}
	for _, tt := range []struct {
		name      string
		job       []jobOption
		verdict   int
		vouched   bool
		pods      [][]podOption
		cancelled bool
		want      outcome
		requeue   bool
	}{
		{name: "pod succeeded", verdict: 99, pods: [][]podOption{{exit(0, "Completed", 5), podPhase(corev1.PodSucceeded)}}, want: succeeded},
		{name: "the second attempt succeeded", verdict: 99, pods: [][]podOption{failed, {exit(0, "Completed", 9), podPhase(corev1.PodSucceeded)}}, want: succeeded},
		{name: "pod not seen yet", verdict: 99, want: running, requeue: true},
		{name: "pod's end not seen yet", verdict: 99, pods: [][]podOption{{}}, want: running, requeue: true},
		{name: "pod's end not seen yet, and cancelled", verdict: 99, pods: [][]podOption{{}}, cancelled: true, want: running, requeue: true},
		{name: "pod gone", verdict: 80, want: gone},
		{
			name: "pod gone, and undisturbed as its events say", verdict: 80, vouched: true,
			want: outcome{"Succeeded", "", "its pod is gone, with its log and outputs; its events say that it ended by itself"},
		},
		{name: "the same, and cancelled", verdict: 80, vouched: true, cancelled: true, want: outcome{"Succeeded", "", "its pod is gone, with its log and outputs; its events say that it ended by itself"}},
		{name: "disrupted, and its end never seen", verdict: 80, pods: [][]podOption{{disrupted(70)}}, want: disruption},
		{name: "pod's end never seen", verdict: 80, pods: [][]podOption{{}}, want: gone},
		{name: "only an attempt that failed is left", verdict: 80, pods: [][]podOption{failed}, want: gone},
		{name: "pods of several completions may go", job: []jobOption{two}, verdict: 80, want: succeeded},
		{name: "pods in another cluster are never seen", job: []jobOption{elsewhere}, verdict: 99, want: succeeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Run.Spec.Cancelled = tt.cancelled
			f.Undisturbed = map[string]bool{"a": tt.vouched}
			withJob(f, "a", append(tt.job, verdict(batchv1.JobComplete, "", "", tt.verdict))...)
			for _, pod := range tt.pods {
				withPod(f, "a", "pod", pod...)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if (d.RequeueAfter > 0) != tt.requeue {
				t.Errorf("requeue after %s, want one: %t", d.RequeueAfter, tt.requeue)
			}
			if diff := cmp.Diff(ts(tt.verdict), d.Status.Jobs[0].CompletionTime); tt.want == gone && diff != "" {
				t.Errorf("completion time (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(actions{Create: d.Create}, actionsOf(d)); diff != "" {
				t.Errorf("about a Job that has ended (-want +got):\n%s", diff)
			}
		})
	}
}
