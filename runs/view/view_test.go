package view_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

func at(second int) *metav1.Time {
	return new(metav1.NewTime(time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC)))
}

func run(phase v1alpha1.RunPhase, reason, message string, jobs ...v1alpha1.JobStatus) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push-k7x2m", UID: "6f1a", CreationTimestamp: *at(0)},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"},
		Status:     v1alpha1.RunStatus{Phase: phase, Number: 12, Jobs: jobs},
	}
	if reason != "" {
		r.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Reason: reason, Message: message}}
	}
	return r
}

func job(name string, phase v1alpha1.JobPhase, why ...string) v1alpha1.JobStatus {
	s := v1alpha1.JobStatus{Name: name, Phase: phase}
	if len(why) == 2 {
		s.Reason, s.Message = why[0], why[1]
	}
	return s
}

func TestWhy(t *testing.T) {
	t.Parallel()
	type seen struct {
		State    view.State
		Why      string
		Commands []string
	}
	failed := job("test", "Failed", "Error", "container main exited with code 1")
	failed.Job = "web-push-k7x2m-test"
	flaky := job("flaky", "Failed", "Error", "container main exited with code 1")
	flaky.FailureAllowed = true
	for name, tt := range map[string]struct {
		run  *v1alpha1.Run
		want seen
	}{
		"new":            {run("", "", ""), seen{State: view.Queued}},
		"waits in line":  {run("Queued", "Queued", `position 2 of key "main"; waits for web-push-a`), seen{State: view.Queued, Why: `position 2 of key "main"; waits for web-push-a`}},
		"runs":           {run("Running", "Running", "0 of 1 jobs succeeded", job("a", "Running")), seen{State: view.Running}},
		"does not start": {run("Running", "Running", "", job("a", "Running", "ImagePullBackOff", "no such image")), seen{State: view.Running, Why: "a: ImagePullBackOff: no such image"}},
		"asks": {run("Running", "Running", "", job("deploy", "Waiting", "AwaitingApproval", "Deploy? to approve: kubectl patch")), seen{
			view.Asking, "deploy waits for approval: Deploy?", []string{"kayci approve web/12 deploy"},
		}},
		"asks while it runs": {run("Running", "Running", "", job("a", "Running"), job("deploy", "Waiting", "AwaitingApproval", "to approve: x")), seen{
			view.Running, "deploy waits for approval", []string{"kayci approve web/12 deploy"},
		}},
		"fails": {run("Running", "Running", "", failed, job("b", "Running")), seen{
			view.Running, "test failed: Error: container main exited with code 1", []string{"kayci logs web/12 test"},
		}},
		"has failed": {run("Failed", "JobFailed", "job test failed", failed, job("e2e", "Failed")), seen{
			view.Failed, "test failed: Error: container main exited with code 1; also failed: e2e", []string{"kayci logs web/12 test", "kayci retry web/12"},
		}},
		"was cancelled":      {run("Cancelled", "Cancelled", "cancelled while it ran"), seen{view.Cancelled, "cancelled while it ran", []string{"kayci retry web/12"}}},
		"was replaced":       {run("Cancelled", "Replaced", "run b is newer"), seen{State: view.Cancelled, Why: "run b is newer"}},
		"can't run":          {run("Failed", "InvalidParameters", "no such parameter: \x1b[2J"), seen{State: view.Failed, Why: `no such parameter: \x1b[2J`}},
		"has succeeded":      {run("Succeeded", "Succeeded", "1 of 1 jobs succeeded", job("a", "Succeeded")), seen{State: view.Succeeded}},
		"succeeded, mostly":  {run("Succeeded", "Succeeded", "", flaky), seen{State: view.Succeeded, Why: "failed, which is allowed: flaky"}},
		"is being cancelled": {run("Running", "Cancelling", "cancelled; stopping a", job("a", "Running"), failed), seen{view.Running, "cancelled; stopping a", []string{"kayci logs web/12 test"}}},
	} {
		v := view.Of(view.Facts{Run: tt.run, Now: at(10).Time})
		if diff := cmp.Diff(tt.want, seen{v.State, v.Why, v.Commands}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
