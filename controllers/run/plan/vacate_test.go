package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// What runs of a Run that ended at second 0 is taken off its lock when it should
// have ended, and what has ended stays as it is.
func TestVacate(t *testing.T) {
	t.Parallel()
	type answer struct {
		Vacate bool
		After  time.Duration
	}
	labels := map[string]string{v1alpha1.JobLabel: "a", v1alpha1.LockLabel: "lock", v1alpha1.RunUIDLabel: "run-uid"}
	holdingJob := func(j *batchv1.Job) { j.Labels = labels }
	holdingPod := func(p *corev1.Pod) { p.Labels = labels }
	slow := func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(120)) }
	foreign := func(p *corev1.Pod) {
		p.Labels = map[string]string{v1alpha1.LockLabel: "lock", v1alpha1.RunUIDLabel: "another"}
	}
	for name, tt := range map[string]struct {
		arrange func(f *plan.Facts)
		want    answer
	}{
		"nothing is left":         {arrange: func(*plan.Facts) {}},
		"a pod runs":              {func(f *plan.Facts) { withPod(f, "a", "pod", holdingPod) }, answer{Vacate: true}},
		"a pod is being deleted":  {func(f *plan.Facts) { withPod(f, "a", "pod", holdingPod, deleted(0)) }, answer{Vacate: true}},
		"a pod may take its time": {func(f *plan.Facts) { withPod(f, "a", "pod", holdingPod, slow) }, answer{After: 50 * time.Second}},
		"a pod has ended":         {arrange: func(f *plan.Facts) { withPod(f, "a", "pod", holdingPod, podPhase(corev1.PodFailed)) }},
		"a pod is off the lock":   {arrange: func(f *plan.Facts) { withPod(f, "a", "pod") }},
		"a pod is another Run's":  {arrange: func(f *plan.Facts) { withPod(f, "a", "pod", foreign) }},
		"a Job has no verdict":    {func(f *plan.Facts) { withJob(f, "a", holdingJob, toEnd) }, answer{Vacate: true}},
		"a Job has its verdict":   {arrange: func(f *plan.Facts) { withJob(f, "a", holdingJob, backoffLimit(50)) }},
		"its end was just now": {func(f *plan.Facts) {
			withJob(f, "a", holdingJob, toEnd)
			f.Run.Status.CompletionTime = ts(90)
		}, answer{After: 20 * time.Second}},
		"it had no lock": {arrange: func(f *plan.Facts) {
			withPod(f, "a", "pod", holdingPod)
			f.Run.Status.Concurrency = nil
		}},
		"it has not ended": {arrange: func(f *plan.Facts) {
			withPod(f, "a", "pod", holdingPod)
			f.Run.Status.Phase, f.Run.Status.CompletionTime = v1alpha1.RunRunning, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			record(f, "a", v1alpha1.JobFailed)
			f.Run.Status.Phase, f.Run.Status.CompletionTime = v1alpha1.RunFailed, ts(0)
			f.Run.Status.Concurrency = &v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true}
			tt.arrange(f)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, answer{d.Vacate, d.RequeueAfter}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if d.Acts() != d.Vacate {
				t.Errorf("Acts() is %t", d.Acts())
			}
		})
	}
}
