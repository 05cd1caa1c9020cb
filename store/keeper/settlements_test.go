package keeper_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/keeper"
)

// TestSettlements: a Run is looked at once when a Job of its own has come to its end.
func TestSettlements(t *testing.T) {
	t.Parallel()
	job := func(kind string, conditions ...batchv1.JobConditionType) *batchv1.Job {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: "web-1-test", OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: "web-1", Controller: new(true)}},
		}}
		for _, c := range conditions {
			job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: c, Status: corev1.ConditionTrue})
		}
		return job
	}
	run := []reconcile.Request{request("web-1")}
	for name, tt := range map[string]struct {
		before, now *batchv1.Job
		want        []reconcile.Request
	}{
		"complete":        {job(v1alpha1.RunKind), job(v1alpha1.RunKind, batchv1.JobComplete), run},
		"failed":          {job(v1alpha1.RunKind), job(v1alpha1.RunKind, batchv1.JobFailed), run},
		"still running":   {job(v1alpha1.RunKind), job(v1alpha1.RunKind), nil},
		"complete before": {job(v1alpha1.RunKind, batchv1.JobComplete), job(v1alpha1.RunKind, batchv1.JobComplete), nil},
		"of no Run":       {job("CronJob"), job("CronJob", batchv1.JobComplete), nil},
	} {
		queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		keeper.Settlements().Update(t.Context(), event.UpdateEvent{ObjectOld: tt.before, ObjectNew: tt.now}, queue)
		var got []reconcile.Request
		for queue.Len() > 0 {
			next, _ := queue.Get()
			got = append(got, next)
		}
		queue.ShutDown()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
