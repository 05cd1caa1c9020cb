package view_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/graph/draw"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// pod of a job, on a node since a second, whose container has started at another.
func pod(job string, scheduled, started int, change ...func(*corev1.Pod)) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod-" + job, Labels: map[string]string{v1alpha1.RunLabel: "web-push-k7x2m", v1alpha1.JobLabel: job}},
		Spec:       corev1.PodSpec{NodeName: "node-1"},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
	if scheduled > 0 {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: *at(scheduled)}}
	}
	if started > 0 {
		p.Status.Phase = corev1.PodRunning
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *at(started)}}}}
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

// TestStateByPods: pods know before the status does that a job has not started.
func TestStateByPods(t *testing.T) {
	t.Parallel()
	type seen struct {
		State view.State
		Why   string
	}
	pulling := func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Image: "x", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no\x1b"}}}}
	}
	for name, tt := range map[string]struct {
		pods []corev1.Pod
		want seen
	}{
		"nobody has looked":      {nil, seen{State: view.Running}},
		"no node yet":            {[]corev1.Pod{pod("a", 0, 0)}, seen{State: view.Starting}},
		"pulls":                  {[]corev1.Pod{pod("a", 4, 0)}, seen{State: view.Starting}},
		"runs":                   {[]corev1.Pod{pod("a", 4, 7)}, seen{State: view.Running}},
		"can't pull":             {[]corev1.Pod{pod("a", 4, 0, pulling)}, seen{view.Starting, `ImagePullBackOff: container main: can't pull image x: no\x1b`}},
		"another job's pod":      {[]corev1.Pod{pod("b", 4, 0)}, seen{State: view.Running}},
		"an older pod had begun": {[]corev1.Pod{pod("a", 4, 7, ended), pod("a", 9, 0, func(p *corev1.Pod) { p.CreationTimestamp = *at(9) })}, seen{State: view.Starting}},
	} {
		job := v1alpha1.JobStatus{Name: "a", Phase: v1alpha1.JobRunning, Job: "web-push-k7x2m-a", QueuedTime: at(1)}
		v := view.Of(view.Facts{Run: run("Running", "Running", "", job), Pods: tt.pods, Now: at(20).Time})
		if diff := cmp.Diff(tt.want, seen{v.Jobs[0].State, v.Jobs[0].Why}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func ended(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }

// TestRun compares all that is seen of a Run that has a bit of everything.
func TestRun(t *testing.T) {
	t.Parallel()
	test := job("test", "Failed", "Error", "container main exited\nwith code 1")
	test.Job, test.Attempts, test.Disruptions = "j", 2, 1
	test.Tests = &v1alpha1.TestSummary{Total: 1204, Failed: 3, Skipped: 1, Failures: []v1alpha1.FailedTest{{Class: "web", Name: "TestA\x1b", Message: "got\n1"}, {Name: "TestB"}}}
	test.Warnings = []string{"a.xml\x1b"}
	deploy := job("deploy", "Waiting", "AwaitingApproval", "Deploy? to approve: kubectl patch")
	deploy.WaitingSince = at(5)
	signed := job("signed", "Succeeded")
	signed.ApprovedBy, signed.ApprovedAt, signed.Outputs = "anna", at(3), map[string]string{"b": "\x1b", "a": "1"}
	reused := job("lint", "Succeeded")
	reused.ReusedFrom = "web-push-a"
	late := job("late", "Failed", "TimedOut", "stopped after its timeout of 1m")
	late.Tests = &v1alpha1.TestSummary{Total: 2, Failed: 2, Failures: []v1alpha1.FailedTest{{Name: "TestC"}, {Name: "TestD"}}}
	signed.Tests = &v1alpha1.TestSummary{Total: 2, Failed: 1, Flaky: 1}
	r := run("Running", "Running", "", reused, signed, test, late, deploy, job("e2e", "Waiting", "AwaitingNeeds", "needs test, deploy"), job("gone", "Cancelled", "Cancelled", "stopped"))
	r.Spec.Origin = &v1alpha1.Origin{
		Provider: "github", SHA: "8f3c1d0aa", Branch: "main", Ref: "refs/heads/main", Title: "Fix\u202e login\nredirect", Sender: "anna", URL: "javascript:alert(1)",
	}
	r.Status.StartTime = at(1)
	r.Status.Services = []v1alpha1.ServiceStatus{{Name: "db", Phase: "Starting", Reason: "ImagePullBackOff", Message: "no such image", WaitingSince: at(2)}}
	spec := &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{
		{Name: "test"},
		{Name: "deploy", Approval: &v1alpha1.JobApproval{Message: "Deploy  to production?", Timeout: &metav1.Duration{Duration: time.Minute}}},
		{Name: "e2e", Needs: []string{"test", "deploy"}, Finally: true},
	}}
	want := view.Run{
		Namespace: "ci", Name: "web-push-k7x2m", UID: "6f1a", Pipeline: "web", Number: 12, Address: "web/12", State: view.Asking,
		Why:      `test failed: 3 of 1,204 tests failed: TestA\x1b, TestB and 1 more; also failed: late`,
		Commands: []string{"kayci approve web/12 deploy", "kayci logs web/12 test"},
		Origin:   view.Origin{Ref: "main", SHA: "8f3c1d0aa", Title: `Fix\u202e login redirect`, By: "anna", Event: "push"},
		Created:  at(0).Time, Started: at(1).Time, Took: 9 * time.Second, Done: 5, Total: 7,
		Jobs: []view.Job{
			{Name: "lint", State: view.Succeeded, Why: "ran in web-push-a", ReusedFrom: "web-push-a"},
			{Name: "signed", State: view.Succeeded, Approval: &view.Approval{By: "anna", At: at(3).Time}, Tests: &view.Tests{Said: "1 of 2 tests failed; 1 flaky", Failed: "1 of 2 tests failed", More: 1}, Outputs: []view.Output{{Name: "a", Value: "1"}, {Name: "b", Value: `\x1b`}}},
			{
				Name: "test", State: view.Failed, Reason: "Error", Message: "container main exited with code 1", Why: `3 of 1,204 tests failed: TestA\x1b, TestB and 1 more`,
				Job: "j", Attempts: 2, Disruptions: 1, Warnings: []string{`a.xml\x1b`},
				Tests: &view.Tests{
					Said: "1 skipped", Failed: `3 of 1,204 tests failed: TestA\x1b, TestB and 1 more`,
					Failures: []view.FailedTest{{Class: "web", Name: `TestA\x1b`, Message: "got 1"}, {Name: "TestB"}}, More: 1,
				},
			},
			{
				Name: "late", State: view.Failed, Reason: "TimedOut", Message: "stopped after its timeout of 1m", Why: "TimedOut: stopped after its timeout of 1m; 2 of 2 tests failed: TestC and TestD",
				Tests: &view.Tests{Failed: "2 of 2 tests failed: TestC and TestD", Failures: []view.FailedTest{{Name: "TestC"}, {Name: "TestD"}}},
			},
			{
				Name: "deploy", State: view.Asking, Reason: "AwaitingApproval", Message: "Deploy? to approve: kubectl patch", Why: "waits for approval: Deploy to production?",
				Since: at(5).Time, Approval: &view.Approval{Question: "Deploy to production?", Until: at(65).Time},
			},
			{
				Name: "e2e", State: view.Waiting, Reason: "AwaitingNeeds", Message: "needs test, deploy", Why: "needs deploy",
				Needs: []string{"test", "deploy"}, Missing: []string{"deploy"}, Finally: true,
			},
			{Name: "gone", State: view.Cancelled, Reason: "Cancelled", Message: "stopped", Why: "Cancelled: stopped"},
		},
		Services: []view.Service{{Name: "db", State: view.Starting, Why: "ImagePullBackOff: no such image", Since: at(2).Time}},
	}
	got := view.Of(view.Facts{Run: r, Spec: spec, Now: at(10).Time})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var order string
	for _, job := range got.Urgent() {
		order += job.Name + " "
	}
	if order != "test late deploy e2e gone lint signed " {
		t.Errorf("the order is %s", order)
	}
	if got.Job("test").Name != "test" || got.Job("ghost") != nil {
		t.Error("jobs aren't found by their names")
	}
}

// TestBeforeTheFirstLook: the jobs of a Run that has none yet are those of its Pipeline.
func TestBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	spec := &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "a"}, {Name: "b", Needs: []string{"a"}}}}
	got := view.Of(view.Facts{Run: run("", "", ""), Spec: spec, Now: at(10).Time})
	want := []view.Job{{Name: "a", State: view.Waiting}, {Name: "b", State: view.Waiting, Needs: []string{"a"}, Missing: []string{"a"}}}
	if diff := cmp.Diff(want, got.Jobs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ended := view.Of(view.Facts{Run: run("Failed", "InvalidSpec", ""), Spec: spec, Now: at(10).Time})
	if len(ended.Jobs) > 0 {
		t.Errorf("a Run that has ended without jobs has %d", len(ended.Jobs))
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	type seen struct{ Commit, Event, By, URL string }
	for name, tt := range map[string]struct {
		origin *v1alpha1.Origin
		want   seen
	}{
		"none":           {nil, seen{}},
		"a pull request": {&v1alpha1.Origin{Provider: "gitea", PullRequest: 42, SHA: "8f3c1d0aa", Author: "bob", URL: "https://git.example.com/1"}, seen{"PR 42@8f3c1d0", "pull request", "bob", "https://git.example.com/1"}},
		"a tag":          {&v1alpha1.Origin{Provider: "github", Tag: "v1", SHA: "8f3"}, seen{"v1@8f3", "tag", "", ""}},
		"an older tag":   {&v1alpha1.Origin{Provider: "github", Ref: "refs/tags/v1"}, seen{"v1", "tag", "", ""}},
		"a schedule":     {&v1alpha1.Origin{Trigger: "nightly"}, seen{"", "nightly", "", ""}},
		"another Run":    {&v1alpha1.Origin{Run: "lib-a", SHA: "8f3", Provider: "github", Branch: "main"}, seen{"main@8f3", "end of lib-a", "", ""}},
		"hostile":        {&v1alpha1.Origin{SHA: "a\x1b[2Jbcdef", Sender: "a\nb", URL: "data:x"}, seen{`a\x1b[2`, "", "a b", ""}},
	} {
		r := run("", "", "")
		r.Spec.Origin = tt.origin
		o := view.Of(view.Facts{Run: r}).Origin
		if diff := cmp.Diff(tt.want, seen{o.Commit(), o.Event, o.By, o.URL}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	v := view.Of(view.Facts{Run: run("Running", "Running", "", job("a", "Succeeded"), job("b", "Running"), job("c", "Failed"))})
	marks := v.Marks(false, func(box *graph.Box) string { return "#" + box.Jobs[0] })
	got := []draw.Mark{marks(&graph.Box{Jobs: []string{"a"}}), marks(&graph.Box{Jobs: []string{"a", "b", "c"}}), v.Marks(true, nil)(&graph.Box{Jobs: []string{"new"}})}
	want := []draw.Mark{
		{Symbol: "✓", Word: "Succeeded", Class: "succeeded", Link: "#a"},
		{Symbol: "✕", Word: "Failed", Class: "failed", Note: "2/3", Link: "#a"},
		{Symbol: ".", Word: "Waiting", Class: "waiting"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStates: each phase has a state of its name, a symbol in both forms, and a word.
func TestStates(t *testing.T) {
	t.Parallel()
	for _, s := range []view.State{
		view.Queued, view.Waiting, view.Starting, view.Running, view.Ready, view.Stopping, view.Succeeded, view.Failed,
		view.Skipped, view.Cancelled, view.Stopped, view.Asking, view.Tolerated,
	} {
		if len([]rune(s.Symbol())) != 1 || len(s.ASCII()) != 1 || s.Word() == "" || s != view.Queued && s.Word() == view.Queued.Word() {
			t.Errorf("%s: %q %q %q", s, s.Symbol(), s.ASCII(), s.Word())
		}
		if s.Ended() != (v1alpha1.JobPhase(s).Finished() || s == view.Stopped || s == view.Tolerated) {
			t.Errorf("%s has ended: %t", s, s.Ended())
		}
	}
}
