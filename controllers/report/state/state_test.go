package state_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/report/state"
)

func trigger(report v1alpha1.Report) *v1alpha1.Trigger {
	return &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push"}, Spec: v1alpha1.TriggerSpec{Pipeline: "web", Report: &report}}
}

func run(phase v1alpha1.RunPhase, reason, message string, jobs ...v1alpha1.JobStatus) *v1alpha1.Run {
	r := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push-k7x2m", UID: "6f1a"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web", Origin: &v1alpha1.Origin{SHA: "8f3c"}},
		Status:     v1alpha1.RunStatus{Phase: phase, Jobs: jobs},
	}
	if reason != "" {
		r.Status.Conditions = []metav1.Condition{{Type: "Reported", Message: "no"}, {Type: "Succeeded", Reason: reason, Message: message}}
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

func TestOf(t *testing.T) {
	t.Parallel()
	const approve = `Deploy to production? to approve: kubectl patch run web-push-k7x2m -n ci --type=merge -p '{"spec":{"approvals":[{"job":"deploy"}]}}'`
	type said struct {
		State       githost.State
		Description string
	}
	for name, tt := range map[string]struct {
		run  *v1alpha1.Run
		want said
	}{
		"new":             {run("", "", ""), said{githost.Pending, "queued"}},
		"queued":          {run("Queued", "Queued", "no job has started"), said{githost.Pending, "queued: no job has started"}},
		"waits in line":   {run("Queued", "Queued", `position 2 of key "main"; waits for web-push-a`), said{githost.Pending, `queued: position 2 of key "main"; waits for web-push-a`}},
		"no pipeline yet": {run("Queued", "PipelineNotFound", "Pipeline web does not exist"), said{githost.Pending, "queued: Pipeline web does not exist"}},
		"runs": {run("Running", "Running", "1 of 3 jobs succeeded", job("a", "Succeeded"), job("b", "Running"), job("c", "Waiting", "AwaitingNeeds", "waits for b")), said{
			githost.Running, "1 of 3 jobs ended; running: b",
		}},
		"a job doesn't start": {run("Running", "Running", "0 of 1 jobs succeeded", job("b", "Running", "ImagePullBackOff", "no such image")), said{
			githost.Running, "0 of 1 jobs ended; waiting: b: ImagePullBackOff",
		}},
		"is being stopped": {run("Running", "Cancelling", "cancelled; stopping b", job("b", "Running")), said{githost.Running, "cancelled; stopping b"}},
		"awaits an answer": {run("Running", "Running", "", job("test", "Succeeded"), job("deploy", "Waiting", "AwaitingApproval", approve)), said{
			githost.Running, "deploy waits for approval: Deploy to production?; see kubectl describe run web-push-k7x2m -n ci",
		}},
		"awaits an answer, unasked": {run("Queued", "Queued", "", job("deploy", "Waiting", "AwaitingApproval", "to approve: kubectl patch")), said{
			githost.Pending, "deploy waits for approval; see kubectl describe run web-push-k7x2m -n ci",
		}},
		"awaits an answer to much": {run("Running", "Running", "", job("deploy", "Waiting", "AwaitingApproval", strings.Repeat("x", 150)+" to approve: kubectl")), said{
			githost.Running, "deploy waits for approval: " + strings.Repeat("x", 65) + "…; see kubectl describe run web-push-k7x2m -n ci",
		}},
		"has succeeded":       {run("Succeeded", "Succeeded", "3 of 3 jobs succeeded"), said{githost.Success, "3 of 3 jobs succeeded"}},
		"has failed":          {run("Failed", "JobFailed", "job test failed: OOMKilled: container main ran out of memory"), said{githost.Failure, "job test failed: OOMKilled: container main ran out of memory"}},
		"was cancelled":       {run("Cancelled", "Replaced", "replaced by web-push-z"), said{githost.Cancelled, "replaced by web-push-z"}},
		"cancelled, untold":   {run("Cancelled", "", ""), said{githost.Cancelled, "cancelled"}},
		"says much":           {run("Failed", "JobFailed", strings.Repeat("ä", 500)), said{githost.Failure, strings.Repeat("ä", 139) + "…"}},
		"says what is unseen": {run("Failed", "JobFailed", "a\u202eb\n\n c\x1b[2J"), said{githost.Failure, `a\u202eb c\x1b[2J`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := state.Of(trigger(v1alpha1.Report{}), tt.run, "")
			if diff := cmp.Diff(githost.Status{State: tt.want.State, Description: tt.want.Description, Context: "kayci/web-push"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if count := utf8.RuneCountInString(got.Description); count > githost.MaxDescription {
				t.Errorf("the description has %d characters", count)
			}
		})
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	ended := run("Succeeded", "Succeeded", "1 of 1 jobs succeeded")
	ended.Spec.Origin.SHA = "../8f3c?"
	got := state.Of(trigger(v1alpha1.Report{Context: "ci / web", URL: "https://ci.example.com/{namespace}/{pipeline}/{run}/{uid}?trigger={trigger}&sha={sha}"}), ended, "https://elsewhere.example.com")
	want := githost.Status{
		State: githost.Success, Context: "ci / web", Description: "1 of 1 jobs succeeded",
		URL: "https://ci.example.com/ci/web/web-push-k7x2m/6f1a?trigger=web-push&sha=..%2F8f3c%3F",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want.State, want.Description = githost.Cancelled, "Run web-push-k7x2m was deleted before it had ended"
	if diff := cmp.Diff(want, state.Deleted(got, ended.Name)); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	want.URL = "https://ci.example.com/ns/ci/runs/web-push-k7x2m"
	if got := state.Of(trigger(v1alpha1.Report{}), ended, "https://ci.example.com/ns/{namespace}/runs/{run}"); got.URL != want.URL {
		t.Errorf("the installation's page is %s, want %s", got.URL, want.URL)
	}
}
