package cli

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/copies"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// looking is a console whose cluster selects by fields as an API server does.
func looking(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *console {
	t.Helper()
	c := at(t, interceptor.Funcs{})
	c.Now = func() time.Time { return clock(100).Time }
	known, err := scheme()
	if err != nil {
		t.Fatal(err)
	}
	c.Cluster.client = fake.NewClientBuilder().WithScheme(known).WithObjects(copies.Of(objects...)...).WithInterceptorFuncs(funcs).
		WithIndex(&corev1.Event{}, "involvedObject.uid", func(o client.Object) []string {
			event, is := o.(*corev1.Event)
			if !is {
				return nil
			}
			return []string{string(event.InvolvedObject.UID)}
		}).Build()
	return c
}

func clock(n int) *metav1.Time {
	return new(metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)))
}

// world is a Pipeline with its revision, and a Run of it in which a bit of everything
// has happened.
func world(t *testing.T) (*v1alpha1.Run, []client.Object) {
	t.Helper()
	pipeline := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"}, Spec: v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{
		{Name: "lint"},
		{Name: "test"},
		{Name: "build", Needs: []string{"lint"}},
		{Name: "e2e", Needs: []string{"build"}},
		{Name: "deploy", Needs: []string{"lint"}, Approval: &v1alpha1.JobApproval{Message: "Deploy to production?"}},
		{Name: "smoke", Needs: []string{"e2e", "deploy"}},
		{Name: "report", Finally: true},
	}}}
	data, err := json.Marshal(pipeline.Spec)
	if err != nil {
		t.Fatal(err)
	}
	revision := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1"}, Data: runtime.RawExtension{Raw: data}}
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: "web-push-k7x2m", UID: "6f1a", CreationTimestamp: *clock(0), Labels: map[string]string{v1alpha1.PipelineLabel: "web"},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: "web-1", Params: map[string]string{"git_sha": "8f3c", "quote": "a 'b'\n\x1b[2J"},
			Origin: &v1alpha1.Origin{Provider: "github", SHA: "8f3c1d0aa", Branch: "main", Title: "Fix login redirect", Sender: "anna", URL: "https://git.example.com/acme/web"},
		},
		Status: v1alpha1.RunStatus{
			Phase: v1alpha1.RunRunning, Number: 12, StartTime: clock(1),
			Conditions: []metav1.Condition{{Type: "Succeeded", Reason: "Running", Message: "1 of 7 jobs succeeded"}},
			Services:   []v1alpha1.ServiceStatus{{Name: "db", Phase: v1alpha1.ServiceReady}},
			Jobs: []v1alpha1.JobStatus{
				{Name: "lint", Phase: "Succeeded", QueuedTime: clock(1), StartTime: clock(3), CompletionTime: clock(8), Outputs: map[string]string{"version": "1.2"}, Tests: &v1alpha1.TestSummary{Total: 12, Skipped: 2}},
				{Name: "test", Phase: "Failed", Reason: "Error", Message: "container main exited with code 1", Job: "web-push-k7x2m-test", QueuedTime: clock(1), StartTime: clock(4), CompletionTime: clock(16), Warnings: []string{"reports/\x1b.xml isn't XML"}, Tests: &v1alpha1.TestSummary{
					Total: 1204, Failed: 3, Flaky: 1, Unread: 1, Failures: []v1alpha1.FailedTest{{Class: "web/login", Name: "TestRedirect", Message: "got \x1b[2J"}, {Name: "TestB"}},
				}},
				{Name: "build", Phase: "Running", Job: "web-push-k7x2m-build", QueuedTime: clock(9), ScheduledTime: clock(9), StartTime: clock(10)},
				{Name: "e2e", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs build"},
				{Name: "deploy", Phase: "Waiting", Reason: "AwaitingApproval", Message: "Deploy to production? to approve: kubectl", WaitingSince: clock(8)},
				{Name: "smoke", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "needs e2e, deploy"},
				{Name: "report", Phase: "Waiting", Reason: "AwaitingNeeds", Message: "comes after all other jobs"},
			},
		},
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push-k7x2m-test-x", UID: "p1", Labels: map[string]string{v1alpha1.RunLabel: run.Name, v1alpha1.JobLabel: "test"}}}
	return run, []client.Object{
		pipeline, revision, run, pod,
		event("1", "Run", run.Name, run.UID, "JobFailed", "job test failed\n\x1b[2J", 16),
		event("2", "Pod", pod.Name, pod.UID, "BackOff", "restarting", 12),
		event("3", "Pod", "other", "p2", "Pulled", "of nobody", 13),
	}
}

func event(name, kind, of string, uid types.UID, reason, message string, at int) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name}, InvolvedObject: corev1.ObjectReference{Kind: kind, Name: of, UID: uid},
		Reason: reason, Message: message, LastTimestamp: *clock(at), Count: 2,
	}
}

// changing has the watch of a Run show these states of it, one after the other, and
// then end.
func changing(states ...*v1alpha1.Run) interceptor.Funcs {
	return interceptor.Funcs{Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
		events := watch.NewFakeWithChanSize(len(states), false)
		for _, state := range states {
			events.Modify(state)
		}
		events.Stop()
		return events, nil
	}}
}
