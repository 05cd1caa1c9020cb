package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// asking is a Run with a place whose job test has passed, and whose job deploy
// waits for an approval.
func asking(place *queue.Place) *plan.Facts {
	deploy := spec("deploy", "test")
	deploy.Approval = &v1alpha1.JobApproval{}
	f := facts(spec("test"), deploy, spec("announce", "deploy"))
	f.Spec.Concurrency = &v1alpha1.Concurrency{Key: "'main'"}
	f.Run.Status.StartTime = ts(0)
	f.Run.Status.Concurrency = &v1alpha1.ConcurrencyStatus{Key: "main", Admitted: place.Admitted, Released: place.Released, Position: place.Position}
	f.Place = place
	record(f, "test", v1alpha1.JobSucceeded)
	withJob(f, "test", verdict(batchv1.JobComplete, "", "", 50))
	return f
}

// A Run gives its place back only if nothing of it runs, and it only waits for
// approvals.
func TestRelease(t *testing.T) {
	t.Parallel()
	held, back := v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true}, v1alpha1.ConcurrencyStatus{Key: "main", Released: true}
	for name, tt := range map[string]struct {
		arrange func(*plan.Facts)
		want    v1alpha1.ConcurrencyStatus
	}{
		"nothing runs":  {func(*plan.Facts) {}, back},
		"a Job goes on": {func(f *plan.Facts) { withJob(f, "test") }, held},
		"a pod goes on": {func(f *plan.Facts) { withPod(f, "test", "pod") }, held},
		"a pod has ended": {func(f *plan.Facts) {
			withPod(f, "test", "pod", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
		}, back},
		"another job runs": {func(f *plan.Facts) {
			f.Spec.Jobs = append(f.Spec.Jobs, spec("lint"))
			withJob(f, "lint")
		}, held},
		"another job is to run": {func(f *plan.Facts) { f.Spec.Jobs = append(f.Spec.Jobs, spec("lint")) }, held},
		"another job has no room": {func(f *plan.Facts) {
			f.Spec.Jobs = append(f.Spec.Jobs, spec("lint"))
			f.Deferred = map[string]plan.Refusal{"lint": {Reason: v1alpha1.ReasonCreateError}}
		}, held},
		"a service":        {func(f *plan.Facts) { f.Spec.Services = []v1alpha1.Service{{Name: "db"}} }, held},
		"it was approved":  {func(f *plan.Facts) { f.Run.Spec.Approvals = []v1alpha1.Approval{{Job: "deploy"}} }, held},
		"it was cancelled": {func(f *plan.Facts) { f.Run.Spec.Cancelled = true }, held},
		"it is replaced":   {func(f *plan.Facts) { f.Place.ReplacedBy = "web-9" }, v1alpha1.ConcurrencyStatus{Key: "main", Admitted: true, ReplacedBy: "web-9"}},
		"not recorded":     {func(f *plan.Facts) { f.Run.Status.Concurrency.Admitted = false }, held},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := asking(&queue.Place{Key: "main", Admitted: true})
			tt.arrange(f)
			if diff := cmp.Diff(&tt.want, plan.Decide(f).Status.Concurrency); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}

// What a Run does that has given its place back, before it has one again.
func TestReleased(t *testing.T) {
	t.Parallel()
	idle := func() *queue.Place { return &queue.Place{Key: "main", Released: true} }
	again := func() *queue.Place {
		return &queue.Place{Key: "main", Released: true, Position: 1, InTheWay: []string{"web-2"}}
	}
	approve := func(f *plan.Facts) { f.Run.Spec.Approvals = []v1alpha1.Approval{{Job: "deploy"}} }
	expire := func(f *plan.Facts) {
		f.Spec.Jobs[1].Approval.Timeout = &metav1.Duration{Duration: 10 * time.Second}
		f.Run.Status.Jobs = append(f.Run.Status.Jobs, v1alpha1.JobStatus{Name: "deploy", Phase: "Waiting", Reason: "AwaitingApproval", WaitingSince: ts(20)})
	}
	cleanUp := func(f *plan.Facts) {
		last := spec("clean-up")
		last.Finally = true
		f.Spec.Jobs = append(f.Spec.Jobs, last)
	}
	waits := outcome{"Waiting", "Queued", "the Run waits for others of its concurrency key"}
	for _, tt := range []struct {
		name    string
		place   *queue.Place
		arrange []func(*plan.Facts)
		needs   bool
		job     string
		want    outcome
		phase   v1alpha1.RunPhase
		reason  string
		message string
	}{
		{
			name: "waits for an approval", place: idle(), job: "deploy", want: outcome{"Waiting", "AwaitingApproval", mergeCommand},
			phase: "Running", reason: "Running", message: "1 of 3 jobs succeeded; deploy: AwaitingApproval: " + mergeCommand,
		},
		{
			name: "is approved", place: idle(), arrange: []func(*plan.Facts){approve}, needs: true, job: "deploy", want: waits,
			phase: "Running", reason: "Running", message: "1 of 3 jobs succeeded; deploy: Queued: " + waits.Message,
		},
		{
			name: "waits for a place again", place: again(), arrange: []func(*plan.Facts){approve}, needs: true, job: "deploy", want: waits,
			phase: "Running", reason: "Queued", message: `1 of 3 jobs succeeded; position 1 of key "main"; waits for web-2`,
		},
		{
			name: "expires", place: idle(), arrange: []func(*plan.Facts){expire}, job: "deploy",
			want:  outcome{"Failed", "ApprovalExpired", "nobody has answered within 10s"},
			phase: "Failed", reason: "JobFailed", message: "job deploy failed: ApprovalExpired: nobody has answered within 10s; 1 of 3 jobs succeeded",
		},
		{
			name: "expires, and has something to clean up", place: idle(), arrange: []func(*plan.Facts){expire, cleanUp}, needs: true, job: "clean-up", want: waits,
			phase: "Running", reason: "Running", message: "1 of 4 jobs succeeded; failed: deploy; clean-up: Queued: " + waits.Message,
		},
		{
			name: "is cancelled, and has something to clean up", place: again(), arrange: []func(*plan.Facts){cleanUp, func(f *plan.Facts) { f.Run.Spec.Cancelled = true }},
			needs: true, job: "clean-up", want: waits,
			phase: "Running", reason: "Cancelling", message: `cancelled; position 1 of key "main"; waits for web-2`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := asking(tt.place)
			for _, arrange := range tt.arrange {
				arrange(f)
			}
			decide(f) // What has failed is recorded first.
			d := plan.Decide(f)
			expectSettled(t, f, &d)
			if len(d.Create) > 0 || d.NeedsPlace != tt.needs || d.Status.FinallyStartTime != nil {
				t.Errorf("creates %v, needs a place: %t, finally jobs since %v", d.Create, d.NeedsPlace, d.Status.FinallyStartTime)
			}
			if diff := cmp.Diff(tt.want, outcomes(d)[tt.job]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			c := d.Status.Conditions[0]
			if d.Status.Phase != tt.phase || c.Reason != tt.reason || c.Message != tt.message {
				t.Errorf("%s, %s: %s\nwant %s, %s: %s", d.Status.Phase, c.Reason, c.Message, tt.phase, tt.reason, tt.message)
			}
		})
	}
}
