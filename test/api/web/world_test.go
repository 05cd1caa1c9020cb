package web_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	batchv1 "k8s.io/api/batch/v1"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// hostile is a text that must come out of every page as what it is.
const hostile = `<script>alert("x")</script>`

// sha of the commit that the Runs are of.
const sha = "8f3c1d0e0b9a7f6e5d4c3b2a190817263544f0e1"

// world is what the namespace of a test holds.
type world struct {
	*site
	// failed has failed, asking waits for an approval and succeeded has.
	failed, asking, succeeded *v1alpha1.Run
}

func before(minutes int) *metav1.Time {
	at := metav1.NewTime(now().Add(-time.Duration(minutes) * time.Minute))
	return &at
}

func job(name string, needs ...string) v1alpha1.Job {
	return v1alpha1.Job{Name: name, Needs: needs, Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}},
	}}}
}

// newWorld fills the namespace of a site.
func newWorld(t *testing.T, s *site) *world {
	t.Helper()
	w := &world{site: s}
	publish := job("publish", "build")
	publish.Approval = &v1alpha1.JobApproval{Message: "Publish? " + hostile}
	greeting := "hello"
	pipeline := &v1alpha1.Pipeline{
		ObjectMeta: w.meta("web"),
		Spec: v1alpha1.PipelineSpec{
			Params: []v1alpha1.Param{{Name: "git_sha", Description: "What to build."}, {Name: "greeting", Default: &greeting}, {Name: "level", Default: &[]string{"low"}[0], Enum: []string{"low", "high"}}},
			Jobs:   []v1alpha1.Job{job("lint"), job("test"), job("build", "lint", "test"), publish},
		},
	}
	w.create(t, pipeline)
	copied := revision.New(pipeline, 1)
	w.create(t, copied)
	w.failed = w.run(t, "web-failed", copied.Name, 1, func(status *v1alpha1.RunStatus) {
		status.Phase, status.CompletionTime = v1alpha1.RunFailed, before(59)
		status.Conditions = succeeded(metav1.ConditionFalse, v1alpha1.ReasonJobFailed, "test failed")
		status.Jobs = []v1alpha1.JobStatus{
			{Name: "lint", Phase: v1alpha1.JobSucceeded, Job: "web-failed-lint", StartTime: before(62), CompletionTime: before(61), Tests: &v1alpha1.TestSummary{Total: 12, Flaky: 1}},
			{Name: "test", Phase: v1alpha1.JobFailed, Job: "web-failed-test", Reason: "Error", Message: "container main exited with code 1 " + hostile, StartTime: before(62), CompletionTime: before(59), Warnings: []string{"a.xml isn't XML " + hostile}, Tests: &v1alpha1.TestSummary{
				Total: 1204, Failed: 3, Skipped: 2, Failures: []v1alpha1.FailedTest{{Class: "web/login " + hostile, Name: "TestRedirect " + hostile, Message: "got " + hostile}, {Name: "TestB"}},
			}},
			{Name: "build", Phase: v1alpha1.JobSkipped, Reason: v1alpha1.ReasonNeedsFailed, Message: "needs test, which failed"},
			{Name: "publish", Phase: v1alpha1.JobSkipped, Reason: v1alpha1.ReasonNeedsSkipped, Message: "needs build, which was skipped"},
		}
	})
	w.asking = w.run(t, "web-asking", copied.Name, 2, func(status *v1alpha1.RunStatus) {
		status.Phase = v1alpha1.RunRunning
		status.Conditions = succeeded(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 job waits for approval")
		status.Jobs = []v1alpha1.JobStatus{
			{Name: "lint", Phase: v1alpha1.JobSucceeded, Job: "web-asking-lint", StartTime: before(62), CompletionTime: before(61)},
			{Name: "test", Phase: v1alpha1.JobSucceeded, Job: "web-asking-test", StartTime: before(62), CompletionTime: before(59)},
			{Name: "build", Phase: v1alpha1.JobSucceeded, Job: "web-asking-build", StartTime: before(59), CompletionTime: before(58)},
			{Name: "publish", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingApproval, Message: "Publish? " + hostile, WaitingSince: before(58)},
		}
	})
	w.succeeded = w.run(t, "web-succeeded", copied.Name, 3, func(status *v1alpha1.RunStatus) {
		status.Phase, status.CompletionTime = v1alpha1.RunSucceeded, before(58)
		status.Conditions = succeeded(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "all jobs have succeeded")
	})
	w.others(t, pipeline)
	return w
}

// others are a ConfigRepo that isn't in sync, and a Trigger.
func (w *world) others(t *testing.T, pipeline *v1alpha1.Pipeline) {
	t.Helper()
	pipeline.Status.LastRun = &v1alpha1.LastRun{Name: "web-failed", Number: 1, Phase: v1alpha1.RunFailed, CompletionTime: before(59)}
	repo := &v1alpha1.ConfigRepo{ObjectMeta: w.meta("config"), Spec: v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/ci.git"}}
	trigger := &v1alpha1.Trigger{ObjectMeta: w.meta("web-push"), Spec: v1alpha1.TriggerSpec{
		Pipeline: "web", Webhook: &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub, SecretRef: fluxmeta.LocalObjectReference{Name: "hook"}},
	}}
	w.create(t, repo, trigger)
	repo.Status = v1alpha1.ConfigRepoStatus{
		Conditions:            []metav1.Condition{{Type: fluxmeta.ReadyCondition, Status: metav1.ConditionFalse, Reason: "RenderFailed", Message: "ci/main.jsonnet:3: " + hostile, LastTransitionTime: *before(5)}},
		LastAppliedRevision:   "main@sha1:" + sha,
		LastAttemptedRevision: "main@sha1:" + sha,
		Inventory:             &v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{{Kind: "Pipeline", Name: "web"}, {Kind: "Trigger", Name: "web-push"}}},
	}
	trigger.Status = v1alpha1.TriggerStatus{
		Source: "/hooks/ci/web-push", WebhookPath: "/hooks/ci/web-push",
		Recent: []v1alpha1.Decision{{Time: *before(62), Outcome: v1alpha1.DecisionCreated, Reason: "branch main matches main " + hostile, Delivery: "d-1", Run: "web-failed"}},
	}
	for _, update := range []func() error{
		func() error { return w.client.Status().Update(t.Context(), pipeline) },
		func() error { return w.client.Status().Update(t.Context(), repo) },
		func() error { return w.client.Status().Update(t.Context(), trigger) },
	} {
		if err := update(); err != nil {
			t.Fatal(err)
		}
	}
}

func succeeded(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.SucceededCondition, Status: status, Reason: reason, Message: message, LastTransitionTime: *before(59)}}
}

func (w *world) run(t *testing.T, name, revision string, number int64, state func(*v1alpha1.RunStatus)) *v1alpha1.Run {
	t.Helper()
	run := &v1alpha1.Run{
		ObjectMeta: w.meta(name),
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: revision, Params: map[string]string{"git_sha": sha},
			Origin: &v1alpha1.Origin{
				Trigger: "web-push", Provider: v1alpha1.ProviderGitHub, Repository: "acme/web", SHA: sha, Ref: "refs/heads/main", Branch: "main",
				Title: "Fix login " + hostile, Sender: "anna", URL: "https://git.example.com/acme/web/commit/" + sha,
			},
		},
	}
	run.Labels = map[string]string{v1alpha1.PipelineLabel: "web"}
	w.create(t, run)
	run.Status.Number, run.Status.StartTime, run.Status.CreatedVersion = number, before(62), run.ResourceVersion
	state(&run.Status)
	if err := w.client.Status().Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return run
}
