package pipeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func TestNewPipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, web())
	wrote, _ := w.reconcile()
	if diff := cmp.Diff([]string{"create *v1.ControllerRevision", "patch status *v1alpha1.Pipeline"}, wrote); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	want := v1alpha1.PipelineStatus{
		ObservedGeneration: 1,
		Revision:           revision.Name(web()),
		Conditions: []metav1.Condition{{
			Type: "Ready", Status: "True", Reason: "Valid", Message: "Runs can be started", ObservedGeneration: 1,
			LastTransitionTime: metav1.NewTime(w.clock.Now()),
		}},
	}
	if diff := cmp.Diff(want, w.pipeline().Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestEditsMakeRevisions(t *testing.T) {
	t.Parallel()
	pinned := run("pinned", 1, v1alpha1.RunRunning) // to the first spec
	w := newWorld(t, web(), pinned)
	w.reconcile()
	for _, step := range []struct {
		image string
		want  map[string]int64
	}{
		{image: "a:2", want: map[string]int64{"a:1": 1, "a:2": 2}},
		{image: "a:3", want: map[string]int64{"a:1": 1, "a:2": 2, "a:3": 3}},
		{image: "a:4", want: map[string]int64{"a:1": 1, "a:3": 3, "a:4": 4}}, // a:2 has no Run
		{image: "a:3", want: map[string]int64{"a:1": 1, "a:4": 4, "a:3": 5}}, // taken back
	} {
		w.edit(step.image)
		w.reconcile()
		if diff := cmp.Diff(step.want, w.revisions()); diff != "" {
			t.Errorf("after the edit to %s: revisions (-want +got):\n%s", step.image, diff)
		}
		if got, want := w.pipeline().Status.Revision, revision.Name(w.pipeline()); got != want {
			t.Errorf("after the edit to %s: current is %s, want %s", step.image, got, want)
		}
	}
	if err := w.live.Delete(t.Context(), pinned); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.reconcile()
	if diff := cmp.Diff(map[string]int64{"a:4": 4, "a:3": 5}, w.revisions()); diff != "" {
		t.Errorf("after the last Run: revisions (-want +got):\n%s", diff)
	}
}

func TestInvalidPipeline(t *testing.T) {
	t.Parallel()
	p := web()
	p.Spec.Jobs[0].Needs = []string{"ghost"}
	w := newWorld(t, p)
	w.reconcile()
	status := w.pipeline().Status
	if c := status.Conditions[0]; c.Status != metav1.ConditionFalse || c.Reason != "InvalidSpec" || !strings.Contains(c.Message, "ghost") {
		t.Errorf("condition %+v, want Ready=False that names the job", c)
	}
	if status.Revision != "" || len(w.revisions()) > 0 {
		t.Errorf("revision %q of an invalid spec", status.Revision)
	}
}

func TestFinishedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, web(), revision.New(web(), 1), run("r1", 1, v1alpha1.RunSucceeded), run("r2", 2, v1alpha1.RunFailed), run("r3", 3, v1alpha1.RunRunning))
	w.reconcile()
	if got := w.pipeline().Status.LastRun; got == nil || got.Name != "r2" || got.Phase != v1alpha1.RunFailed {
		t.Errorf("last run %+v, want r2", got)
	}
	active := []v1alpha1.ActiveRun{{Name: "r3", Number: 3, Phase: v1alpha1.RunRunning}}
	if diff := cmp.Diff(active, w.pipeline().Status.ActiveRuns); diff != "" {
		t.Errorf("active runs (-want +got):\n%s", diff)
	}

	ended := run("r3", 3, v1alpha1.RunSucceeded)
	if err := w.live.Status().Patch(t.Context(), ended, client.Merge); err != nil {
		t.Fatal(err)
	}
	wrote, after := w.reconcile()
	if len(wrote) > 0 || after != time.Second {
		t.Errorf("at once it writes %v, and looks again after %s", wrote, after)
	}
	w.pass(after)
	wrote, _ = w.reconcile()
	if diff := cmp.Diff([]string{"patch status *v1alpha1.Pipeline", "delete *v1alpha1.Run"}, wrote); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"r2", "r3"}, w.runs()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if got := w.pipeline().Status.ActiveRuns; len(got) > 0 {
		t.Errorf("active runs %v, want none", got)
	}
}

// The number of a Run is recorded with the Run, which may be deleted before it
// ends.
func TestNumberOfADeletedRun(t *testing.T) {
	t.Parallel()
	r1 := run("r1", 1, v1alpha1.RunRunning)
	w := newWorld(t, web(), revision.New(web(), 1), r1)
	wrote, _ := w.reconcile()
	if diff := cmp.Diff([]string{"patch status *v1alpha1.Pipeline"}, wrote); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if err := w.live.Delete(t.Context(), r1); err != nil {
		t.Fatal(err)
	}
	w.reconcile()
	if status := w.pipeline().Status; status.LastNumber != 1 || status.LastRun != nil {
		t.Errorf("last number %d and last run %+v, want 1 and none", status.LastNumber, status.LastRun)
	}
}

func TestRetentionWaitsForJobs(t *testing.T) {
	t.Parallel()
	old := run("r1", 1, v1alpha1.RunSucceeded)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ci", Name: "r1-test", Labels: map[string]string{v1alpha1.RunLabel: "r1"},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(old, v1alpha1.GroupVersion().WithKind("Run"))},
	}}
	w := newWorld(t, web(), revision.New(web(), 1), old, job, run("r2", 2, v1alpha1.RunSucceeded), run("r3", 3, v1alpha1.RunSucceeded))
	if _, after := w.reconcile(); after == 0 {
		t.Error("nothing tells that the Job has ended, and no other look was asked for")
	}
	if diff := cmp.Diff([]string{"r1", "r2", "r3"}, w.runs()); diff != "" {
		t.Fatalf("runs (-want +got):\n%s", diff)
	}
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	if err := w.live.Status().Update(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if _, after := w.reconcile(); after != 0 {
		t.Errorf("asks for another look after %s", after)
	}
	if diff := cmp.Diff([]string{"r2", "r3"}, w.runs()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// What a notifier has to say would be lost with the Run.
func TestRetentionWaitsForNotifiers(t *testing.T) {
	t.Parallel()
	old := run("r1", 1, v1alpha1.RunSucceeded)
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ci", Name: "r1-chat-succeeded", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(old, v1alpha1.GroupVersion().WithKind("Run"))},
	}}
	ended := job.DeepCopy()
	ended.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
	made := v1alpha1.NotifierStatus{Name: "chat", Phase: v1alpha1.RunSucceeded, Job: job.Name}
	full := v1alpha1.NotifierStatus{Name: "chat", Phase: v1alpha1.RunSucceeded, Reason: "QuotaExceeded"}
	for _, tt := range []struct {
		name  string
		entry v1alpha1.NotifierStatus
		after time.Duration // since the Run has ended
		job   *batchv1.Job
		stays bool
	}{
		{name: "runs, and the cache is behind", entry: made, job: job, stays: true},
		{name: "has ended", entry: made, job: ended},
		{name: "was deleted", entry: made},
		{name: "no room yet", entry: full, stays: true},
		{name: "no room for long", entry: full, after: 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old := old.DeepCopy()
			old.Status.Notifiers = []v1alpha1.NotifierStatus{tt.entry}
			w := newWorld(t, web(), revision.New(web(), 1), old, run("r2", 2, v1alpha1.RunSucceeded), run("r3", 3, v1alpha1.RunSucceeded))
			w.behind = true
			w.clock.SetTime(old.Status.CompletionTime.Add(tt.after))
			if tt.job != nil {
				if err := w.live.Create(t.Context(), tt.job.DeepCopy()); err != nil {
					t.Fatal(err)
				}
			}
			_, after := w.reconcile()
			if got := slices.Contains(w.runs(), "r1"); got != tt.stays || (after > 0) != tt.stays {
				t.Errorf("the Run stays: %t, another look after %s; want %t", got, after, tt.stays)
			}
		})
	}
}

// Nothing else may happen to the Pipeline when the least age has passed.
func TestRetentionWaitsForTheLeastAge(t *testing.T) {
	t.Parallel()
	p := web()
	p.Spec.Retention = &v1alpha1.Retention{MaxCount: ptr.To[int32](1)}
	w := newWorld(t, p, run("r1", 1, v1alpha1.RunFailed), run("r2", 2, v1alpha1.RunSucceeded)) // r1 ended 59 minutes ago
	if _, after := w.reconcile(); after != time.Minute {
		t.Errorf("another look after %s, want 1m", after)
	}
	if diff := cmp.Diff([]string{"r1", "r2"}, w.runs()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.reconcile()
	if diff := cmp.Diff([]string{"r2"}, w.runs()); diff != "" {
		t.Errorf("after another minute: runs (-want +got):\n%s", diff)
	}
}

func TestRetentionByAge(t *testing.T) {
	t.Parallel()
	p := web()
	p.Spec.Retention = &v1alpha1.Retention{MaxAge: &metav1.Duration{Duration: time.Hour}}
	r1 := run("r1", 1, v1alpha1.RunSucceeded) // ended 59 minutes ago
	w := newWorld(t, p, r1)
	if _, after := w.reconcile(); after != time.Minute {
		t.Errorf("another look after %s, want 1m", after)
	}
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.reconcile()
	if got := w.runs(); len(got) > 0 {
		t.Errorf("runs %v, want none", got)
	}
}
