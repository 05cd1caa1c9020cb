package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// onNode follows unstarted: the scheduler has chosen a node.
func onNode(p *corev1.Pod) { p.Spec.NodeName = "node" }

// TestCancel cancels a Run whose job `a` is somewhere and whose job `b` waits.
func TestCancel(t *testing.T) {
	t.Parallel()
	pod := []types.NamespacedName{{Namespace: "ci", Name: "pod"}}
	stopped := []podOption{deadline(1), exit(143, "Error", 90), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", "")}
	for _, tt := range []struct {
		name     string
		noJob    bool
		job      []jobOption
		pods     [][]podOption
		wantStop []types.NamespacedName
		wantEnd  []string
		want     v1alpha1.JobPhase
		wantRun  v1alpha1.RunPhase
	}{
		{name: "never started", noJob: true, want: "Cancelled", wantRun: "Cancelled"},
		{name: "running", pods: [][]podOption{{}}, wantStop: pod, want: "Running", wantRun: "Running"},
		{name: "running with a timeout", pods: [][]podOption{{deadline(60)}}, wantStop: pod, want: "Running", wantRun: "Running"},
		{name: "being stopped", pods: [][]podOption{{deadline(1)}}, want: "Running", wantRun: "Running"},
		{name: "ended on request, before the kubelet says so", pods: [][]podOption{{deadline(1), exit(0, "Completed", 90)}}, want: "Running", wantRun: "Running"},
		{name: "stopped, could be retried", pods: [][]podOption{stopped}, wantEnd: []string{"a"}, want: "Running", wantRun: "Running"},
		{name: "stopped, told to end", job: []jobOption{toEnd}, pods: [][]podOption{stopped}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "stopped, suspended", job: []jobOption{suspend}, pods: [][]podOption{stopped}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "stopped, Job failed", job: []jobOption{backoffLimit(80)}, pods: [][]podOption{stopped}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "no pod yet", wantEnd: []string{"a"}, want: "Running", wantRun: "Running"},
		{name: "on no node", pods: [][]podOption{{unstarted}}, wantEnd: []string{"a"}, want: "Running", wantRun: "Running"},
		{name: "on a node that has said nothing yet", pods: [][]podOption{{unstarted, onNode}}, wantStop: pod, want: "Running", wantRun: "Running"},
		{name: "on no node, told to end", job: []jobOption{toEnd}, pods: [][]podOption{{unstarted}}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "told to end, but a pod had just started", job: []jobOption{toEnd}, pods: [][]podOption{{}}, wantStop: pod, want: "Running", wantRun: "Running"},
		{name: "of another controller", job: []jobOption{managed}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "on no node, suspended", job: []jobOption{suspend}, pods: [][]podOption{{unstarted}}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "suspended, but a pod had just started", job: []jobOption{suspend}, pods: [][]podOption{{}}, want: "Running", wantRun: "Running"},
		{name: "being deleted with its node", pods: [][]podOption{{deleted(50), disrupted(50)}}, wantEnd: []string{"a"}, want: "Running", wantRun: "Running"},
		{name: "one runs, one doesn't", pods: [][]podOption{{}, {unstarted}}, wantStop: pod, want: "Running", wantRun: "Running"},
		{name: "had just succeeded", pods: [][]podOption{{exit(0, "Completed", 90)}}, want: "Succeeded", wantRun: "Cancelled"},
		{name: "completed", job: []jobOption{verdict(batchv1.JobComplete, "", "", 90)}, pods: [][]podOption{{exit(0, "Completed", 89), podPhase(corev1.PodSucceeded)}}, want: "Succeeded", wantRun: "Cancelled"},
		{name: "deleted by its end, failed", job: []jobOption{toEnd, verdict(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded, "", 90)}, pods: [][]podOption{{deleted(80), exit(143, "Error", 85), podPhase(corev1.PodFailed)}}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "deleted by its end, gone", job: []jobOption{toEnd, verdict(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded, "", 90)}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "deleted by its end, ended with 0", job: []jobOption{toEnd}, pods: [][]podOption{{deleted(80), exit(0, "Completed", 85)}}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "deleted by its suspension, ended with 0", job: []jobOption{suspend}, pods: [][]podOption{{deleted(80), exit(0, "Completed", 85)}}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "deleted by its suspension, failed", job: []jobOption{suspend, backoffLimit(90)}, pods: [][]podOption{{deleted(80), exit(143, "Error", 85), podPhase(corev1.PodFailed)}}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "deleted by its suspension, gone, Job complete", job: []jobOption{suspend, verdict(batchv1.JobComplete, "", "", 85)}, want: "Cancelled", wantRun: "Cancelled"},
		{name: "deleted by somebody", pods: [][]podOption{{deleted(80), exit(0, "Completed", 85)}}, want: "Failed", wantRun: "Cancelled"},
		{name: "had failed by itself", job: []jobOption{backoffLimit(80)}, pods: [][]podOption{{exit(1, "Error", 79), podPhase(corev1.PodFailed)}}, want: "Failed", wantRun: "Cancelled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Run.Spec.Cancelled = true
			if !tt.noJob {
				withJob(f, "a", tt.job...)
			}
			for _, pod := range tt.pods {
				withPod(f, "a", "pod", pod...)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(actions{StopPods: tt.wantStop, EndJobs: tt.wantEnd}, actionsOf(d)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			want := map[string]v1alpha1.JobPhase{"a": tt.want, "b": v1alpha1.JobCancelled}
			if diff := cmp.Diff(want, phases(d)); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
			if d.Status.Phase != tt.wantRun {
				t.Errorf("Run is %s, want %s", d.Status.Phase, tt.wantRun)
			}
		})
	}
}

// A queueing system may resume a Job after its Run was cancelled.
func TestCancelledStaysStopped(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	f.Run.Spec.Cancelled = true
	f.Run.Status.Phase = v1alpha1.RunCancelled
	record(f, "a", v1alpha1.JobCancelled)
	withJob(f, "a")
	if diff := cmp.Diff(actions{EndJobs: []string{"a"}}, actionsOf(plan.Decide(f))); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// A Run that had ended by itself doesn't become cancelled.
func TestCancelAfterTheEnd(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	f.Run.Spec.Cancelled = true
	withJob(f, "a")
	withPod(f, "a", "pod", exit(0, "Completed", 5))
	if got := plan.Decide(f).Status.Phase; got != v1alpha1.RunSucceeded {
		t.Errorf("Run is %s, want Succeeded", got)
	}
}
