package browser

import (
	"fmt"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/test/page"
)

// world is what a namespace holds that people look at: Runs of a Pipeline web.
type world struct {
	*place

	now      time.Time
	revision string
	node     *page.Node
}

// at is so many seconds before the world is looked at.
func (w *world) at(seconds int) *metav1.Time {
	at := metav1.NewTime(w.now.Add(-time.Duration(seconds) * time.Second))
	return &at
}

func newWorld(t *testing.T, p *place, now time.Time) *world {
	t.Helper()
	w := &world{place: p, now: now}
	w.node = page.StartNode(t, p.Client, p.namespace, *w.at(118), *w.at(106))
	pipeline := w.pipeline("web", true)
	w.create(t, pipeline, w.pipeline("docs", false))
	copied := revision.New(pipeline, 1)
	w.create(t, copied)
	w.revision = copied.Name
	for number := range 9 {
		w.earlier(t, number)
	}
	w.failed(t)
	w.asking(t)
	w.live(t)
	w.others(t, pipeline)
	return w
}

// pipeline has jobs that follow each other, or a single one.
func (w *world) pipeline(name string, large bool) *v1alpha1.Pipeline {
	low := "info"
	p := &v1alpha1.Pipeline{ObjectMeta: w.meta(name), Spec: v1alpha1.PipelineSpec{
		Params: []v1alpha1.Param{
			{Name: "git_sha", Description: "Commit to build."},
			{Name: "log_level", Default: &low, Enum: []string{"info", "debug"}, Description: "How much the tests say."},
		},
		Jobs: []v1alpha1.Job{job("lint"), job("test-go125"), job("test-go126"), job("build", "lint", "test-go125", "test-go126"), job("e2e", "build"), job("publish", "e2e"), job("report")},
	}}
	p.Spec.Jobs[5].Approval = &v1alpha1.JobApproval{Message: "Publish the release?"}
	p.Spec.Jobs[6].Finally = true
	if !large {
		p.Spec.Jobs = p.Spec.Jobs[:1]
	}
	return p
}

func job(name string, needs ...string) v1alpha1.Job {
	return v1alpha1.Job{Name: name, Needs: needs, Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}},
	}}}
}

// run makes a Run that began so many seconds ago, and has its status changed.
func (w *world) run(t *testing.T, name string, number, began int, title string, change func(*v1alpha1.RunStatus)) *v1alpha1.Run {
	t.Helper()
	sha := fmt.Sprintf("%07x0e0b9a7f6e5d4c3b2a190817263544f0e", 0x8f3c1d0-number*0x1234f)
	run := &v1alpha1.Run{ObjectMeta: w.meta(name), Spec: v1alpha1.RunSpec{
		Pipeline: "web", Revision: w.revision, Params: map[string]string{"git_sha": sha},
		Origin: &v1alpha1.Origin{
			Trigger: "web-push", Provider: v1alpha1.ProviderGitHub, Repository: "acme/web", SHA: sha, Ref: "refs/heads/main", Branch: "main",
			Title: title, Sender: []string{"anna", "ben"}[number%2], URL: "https://git.example.com/acme/web/commit/" + sha,
		},
	}}
	run.Labels = map[string]string{v1alpha1.PipelineLabel: "web"}
	run.Annotations = map[string]string{createdAnnotation: w.at(began).UTC().Format(time.RFC3339)}
	w.create(t, run)
	run.Status.Number, run.Status.StartTime, run.Status.CreatedVersion = int64(number), w.at(began), run.ResourceVersion
	change(&run.Status)
	if err := w.Status().Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return run
}

// done is a job's status that was due, scheduled, started and ended so many seconds ago.
func (w *world) done(run, name string, phase v1alpha1.JobPhase, due, scheduled, started, ended int) v1alpha1.JobStatus {
	return v1alpha1.JobStatus{
		Name: name, Phase: phase, Job: run + "-" + name,
		QueuedTime: w.at(due), ScheduledTime: w.at(scheduled), StartTime: w.at(started), CompletionTime: w.at(ended),
	}
}

func condition(status metav1.ConditionStatus, reason, message string, at *metav1.Time) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.SucceededCondition, Status: status, Reason: reason, Message: message, LastTransitionTime: *at}}
}

// earlier are Runs that have succeeded, but for some.
func (w *world) earlier(t *testing.T, n int) {
	t.Helper()
	titles := []string{"Update dependencies", "Add a page for orders", "Ask for a second factor", "Cache thumbnails", "Say which field is missing"}
	name, began := fmt.Sprintf("web-push-%d", n), 40000-n*4000
	w.run(t, name, 119+n, began, titles[n%len(titles)], func(s *v1alpha1.RunStatus) {
		s.Phase, s.CompletionTime = v1alpha1.RunSucceeded, w.at(began-60-n*3)
		s.Conditions = condition(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "all jobs have succeeded", s.CompletionTime)
		for i, job := range []string{"lint", "test-go125", "test-go126", "build", "e2e", "publish", "report"} {
			s.Jobs = append(s.Jobs, w.done(name, job, v1alpha1.JobSucceeded, began, began-1, began-2-i, began-14-i-n%4))
		}
		if n%4 == 2 {
			s.Phase, s.Jobs[4].Phase = v1alpha1.RunFailed, v1alpha1.JobFailed
			s.Jobs[4].Reason, s.Jobs[4].Message = "Error", "container main exited with code 2"
			s.Conditions = condition(metav1.ConditionFalse, v1alpha1.ReasonJobFailed, "e2e failed", s.CompletionTime)
		}
	})
}

// failed is a Run whose test has failed, with its log.
func (w *world) failed(t *testing.T) {
	t.Helper()
	const name = "web-push-failed"
	w.run(t, name, 129, 120, "Fix login redirect", func(s *v1alpha1.RunStatus) {
		s.Phase, s.CompletionTime = v1alpha1.RunFailed, w.at(103)
		s.Conditions = condition(metav1.ConditionFalse, v1alpha1.ReasonJobFailed, "test-go126 failed", s.CompletionTime)
		s.Jobs = []v1alpha1.JobStatus{
			w.done(name, "lint", v1alpha1.JobSucceeded, 120, 119, 118, 113),
			w.done(name, "test-go125", v1alpha1.JobSucceeded, 120, 119, 118, 105),
			w.done(name, "test-go126", v1alpha1.JobFailed, 120, 119, 117, 106),
			{Name: "build", Phase: v1alpha1.JobSkipped, Reason: v1alpha1.ReasonNeedsFailed, Message: "needs test-go126, which failed"},
			{Name: "e2e", Phase: v1alpha1.JobSkipped, Reason: v1alpha1.ReasonNeedsSkipped, Message: "needs build, which was skipped"},
			{Name: "publish", Phase: v1alpha1.JobSkipped, Reason: v1alpha1.ReasonNeedsSkipped, Message: "needs e2e, which was skipped"},
			w.done(name, "report", v1alpha1.JobSucceeded, 105, 105, 104, 103),
		}
		s.Jobs[2].Reason, s.Jobs[2].Message = "Error", "container main exited with code 1"
	})
	w.node.Print(t, name, "test-go126", `+ go version
go version go1.26.8 linux/amd64
::group::go mod download
go: downloading github.com/google/go-cmp v0.7.0
go: downloading golang.org/x/sync v0.25.0
::endgroup::
+ go test ./...
`+"\x1b[32mok\x1b[0m  \tgit.example.com/acme/web/cart\t0.412s\n\x1b[32mok\x1b[0m  \tgit.example.com/acme/web/mail\t0.087s\n"+`--- FAIL: TestLoginRedirect (0.03s)
    login_test.go:42: got status 401, want 302
FAIL
`+"\x1b[31mFAIL\x1b[0m\tgit.example.com/acme/web/login\t0.214s\n\x1b[32mok\x1b[0m  \tgit.example.com/acme/web/orders\t1.022s\n")
	w.node.End(t, name, "test-go126", 1)
}

// asking is a Run whose job publish waits for somebody.
func (w *world) asking(t *testing.T) {
	t.Helper()
	const name = "web-push-asking"
	w.run(t, name, 128, 900, "Release 1.4", func(s *v1alpha1.RunStatus) {
		s.Phase = v1alpha1.RunRunning
		s.Conditions = condition(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 job waits for approval", w.at(860))
		for i, job := range []string{"lint", "test-go125", "test-go126", "build", "e2e"} {
			s.Jobs = append(s.Jobs, w.done(name, job, v1alpha1.JobSucceeded, 900-i, 899-i, 898-i, 885-4*i))
		}
		s.Jobs = append(s.Jobs,
			v1alpha1.JobStatus{Name: "publish", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingApproval, Message: "Publish the release?", WaitingSince: w.at(860)},
			v1alpha1.JobStatus{Name: "report", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingNeeds, Message: "comes after all other jobs"})
	})
}

// live is a Run that goes on.
func (w *world) live(t *testing.T) {
	t.Helper()
	const name = "web-push-live"
	w.run(t, name, 130, 31, "Show prices with tax", func(s *v1alpha1.RunStatus) {
		s.Phase = v1alpha1.RunRunning
		s.Conditions = condition(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 of 7 jobs succeeded", w.at(18))
		s.Jobs = []v1alpha1.JobStatus{
			w.done(name, "lint", v1alpha1.JobSucceeded, 31, 30, 29, 23),
			{Name: "test-go125", Phase: v1alpha1.JobRunning, Job: name + "-test-go125", QueuedTime: w.at(31), ScheduledTime: w.at(30), StartTime: w.at(28)},
			{Name: "test-go126", Phase: v1alpha1.JobWaiting, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu", Job: name + "-test-go126", QueuedTime: w.at(31), WaitingSince: w.at(29)},
			{Name: "build", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingNeeds, Message: "needs test-go125, test-go126"},
			{Name: "e2e", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingNeeds, Message: "needs build"},
			{Name: "publish", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingNeeds, Message: "needs e2e"},
			{Name: "report", Phase: v1alpha1.JobWaiting, Reason: v1alpha1.ReasonAwaitingNeeds, Message: "comes after all other jobs"},
		}
	})
	w.node.Print(t, name, "test-go125", "+ go test ./...\nok  \tgit.example.com/acme/web/cart\t0.398s\n")
}

// others are a ConfigRepo that isn't in sync, and a Trigger.
func (w *world) others(t *testing.T, pipeline *v1alpha1.Pipeline) {
	t.Helper()
	repo := &v1alpha1.ConfigRepo{ObjectMeta: w.meta("pipelines"), Spec: v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/acme/pipelines.git"}}
	trigger := &v1alpha1.Trigger{ObjectMeta: w.meta("web-push"), Spec: v1alpha1.TriggerSpec{
		Pipeline: "web", Webhook: &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub, SecretRef: fluxmeta.LocalObjectReference{Name: "hook"}},
	}}
	w.create(t, repo, trigger)
	const sha = "3d1f0e0b9a7f6e5d4c3b2a190817263544f0e1aa"
	repo.Status = v1alpha1.ConfigRepoStatus{
		Conditions:          []metav1.Condition{{Type: fluxmeta.ReadyCondition, Status: metav1.ConditionFalse, Reason: "RenderFailed", Message: "ci/web.jsonnet:12:5: Unknown variable: goVersions", LastTransitionTime: *w.at(300)}},
		LastAppliedRevision: "main@sha1:" + sha, LastAttemptedRevision: "main@sha1:" + sha,
		Inventory: &v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{{Kind: "Pipeline", Name: "web"}, {Kind: "Trigger", Name: "web-push"}}},
	}
	trigger.Status = v1alpha1.TriggerStatus{
		Source: "push at GitHub", WebhookPath: "/hooks/" + w.namespace + "/web-push",
		Recent: []v1alpha1.Decision{
			{Time: *w.at(31), Outcome: v1alpha1.DecisionCreated, Reason: "branch main matches main", Delivery: "72d3162e", Run: "web-push-live"},
			{Time: *w.at(60), Outcome: v1alpha1.DecisionNotMatched, Reason: "branch docs doesn't match main", Delivery: "6b1f4a90"},
		},
	}
	pipeline.Status.LastRun = &v1alpha1.LastRun{Name: "web-push-failed", Number: 129, Phase: v1alpha1.RunFailed, CompletionTime: w.at(103)}
	for _, update := range []func() error{
		func() error { return w.Status().Update(t.Context(), repo) },
		func() error { return w.Status().Update(t.Context(), trigger) },
		func() error { return w.Status().Update(t.Context(), pipeline) },
	} {
		if err := update(); err != nil {
			t.Fatal(err)
		}
	}
}
