package configrepo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// ended is a Run of the Pipeline `web` that ends with the commit that renames it.
func ended(name string, notifiers ...v1alpha1.NotifierStatus) *v1alpha1.Run {
	run := active(name)
	run.Status.Phase, run.Status.Notifiers = v1alpha1.RunFailed, notifiers
	run.Status.CompletionTime = &metav1.Time{Time: time.Date(2026, 1, 2, 3, 9, 5, 0, time.UTC)}
	return run
}

// jobOf is a Job of the Run that has not ended.
func jobOf(run *v1alpha1.Run, name string) *batchv1.Job {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ci", Name: name, UID: run.UID + "-job",
		Labels:          map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.RunLabel: run.Name},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(run, v1alpha1.GroupVersion().WithKind(v1alpha1.RunKind))},
	}}
}

func endJob(t *testing.T, w *world) {
	t.Helper()
	var jobs batchv1.JobList
	if err := w.List(t.Context(), &jobs); err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs.Items {
		job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
		if err := w.Status().Update(t.Context(), &job); err != nil {
			t.Fatal(err)
		}
	}
}

// A Pipeline that a commit renames waits for what its Runs have left, too.
func TestPruneWaitsForJobs(t *testing.T) {
	told := func(job string) v1alpha1.NotifierStatus {
		return v1alpha1.NotifierStatus{Name: "chat", Phase: v1alpha1.RunFailed, Job: job}
	}
	for _, tt := range []struct {
		name string
		run  *v1alpha1.Run
		job  string
		then func(*testing.T, *world)
	}{
		{name: "a Job has not ended", run: ended("r1"), job: "r1-test", then: endJob},
		{name: "a notifier tells", run: ended("r1", told("r1-chat")), job: "r1-chat", then: endJob},
		{name: "a notifier is still to be tried", run: ended("r1", told("")), then: func(t *testing.T, w *world) {
			t.Helper()
			run := ended("r1")
			if err := w.Get(t.Context(), client.ObjectKeyFromObject(run), run); err != nil {
				t.Fatal(err)
			}
			run.Status.Notifiers = []v1alpha1.NotifierStatus{{Name: "chat", Phase: v1alpha1.RunFailed, Reason: "Invalid"}}
			if err := w.Status().Update(t.Context(), run); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			objects := []client.Object{configRepo(), tt.run}
			if tt.job != "" {
				objects = append(objects, jobOf(tt.run, tt.job))
			}
			w, _, said := renamedWith(t, objects...)
			const waits = "to be pruned when the Jobs and notifiers of its Runs have ended: Pipeline/web (2026-01-02T04:09:05Z at the latest)"
			expect(t, "events", []string{"Normal Applied applied main@sha1:c2: 1 created", "Normal PruneWaits " + waits}, said)
			expect(t, "message", "applied main@sha1:c2; "+waits, w.ready(t))
			expect(t, "pipelines", []string{"web", "web2"}, w.pipelines(t))

			tt.then(t, w)
			w.clock.SetTime(w.clock.Now().Add(10 * time.Second))
			_, writes, _ := w.reconcile(t)
			expect(t, "writes", []string{"delete web", "status mine"}, writes)
			expect(t, "pipelines", []string{"web2"}, w.pipelines(t))
		})
	}
}

func TestPruneWaitsForJobsNoLongerThanAllowed(t *testing.T) {
	repo, run := configRepo(), ended("r1")
	repo.Spec.PruneTimeout = &metav1.Duration{Duration: time.Minute}
	w, _, _ := renamedWith(t, repo, run, jobOf(run, "r1-test"))
	expect(t, "pipelines", []string{"web", "web2"}, w.pipelines(t))
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.reconcile(t)
	expect(t, "pipelines", []string{"web2"}, w.pipelines(t))
}

// What one Run waits for is said of the Pipeline, as long as none is active.
func TestPruneSaysWhatItWaitsFor(t *testing.T) {
	run := ended("r1")
	w, _, _ := renamedWith(t, configRepo(), run, jobOf(run, "r1-test"), active("r2"))
	expect(t, "message", "applied main@sha1:c2; to be pruned when its active Runs have ended: Pipeline/web (2026-01-02T04:09:05Z at the latest)", w.ready(t))
	if err := w.Delete(t.Context(), active("r2")); err != nil {
		t.Fatal(err)
	}
	w.reconcile(t)
	expect(t, "message", "applied main@sha1:c2; to be pruned when the Jobs and notifiers of its Runs have ended: Pipeline/web (2026-01-02T04:09:05Z at the latest)", w.ready(t))
}

// behind is a cache that shows no Job yet.
type behind struct{ client.Client }

func (b behind) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if _, is := list.(*batchv1.JobList); is {
		return nil
	}
	return b.Client.List(ctx, list, opts...)
}

// The Job of a notifier is as new as the end of its Run.
func TestPruneWaitsForJobsThatTheCacheDoesNotShow(t *testing.T) {
	run := ended("r1")
	w := newWorld(t, configRepo(), run, jobOf(run, "r1-test"))
	w.reconciler.Client = behind{w.Client}
	w.rename(t)
	expect(t, "pipelines", []string{"web", "web2"}, w.pipelines(t))
	w.reconciler.Client = w.Client
	endJob(t, w)
	w.reconcile(t)
	expect(t, "pipelines", []string{"web2"}, w.pipelines(t))
}

// lists notes what the API server is asked for a list of.
type lists struct {
	client.Reader
	of []string
}

func (l *lists) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	l.of = append(l.of, fmt.Sprintf("%T", list))
	return l.Reader.List(ctx, list, opts...)
}

// Only what is about to be pruned is asked for.
func TestPruneAsksTheServerOnce(t *testing.T) {
	run := ended("r1")
	w := newWorld(t, configRepo(), run, jobOf(run, "r1-test"))
	asked := &lists{Reader: w.Client}
	w.reconciler.APIReader = asked
	w.rename(t)
	w.reconcile(t)
	expect(t, "lists while it waits", []string(nil), asked.of)
	endJob(t, w)
	w.reconcile(t)
	expect(t, "lists to prune it", []string{"*v1alpha1.RunList", "*v1.PartialObjectMetadataList"}, asked.of)
}

// However many are about to be pruned, each waits for what is its own.
func TestPruneAsksTheServerForAllTogether(t *testing.T) {
	repo := configRepo()
	repo.Spec.AllowPrune = true
	late := jobOf(ended("r2"), "r2-test")
	late.Labels[v1alpha1.PipelineLabel] = "late"
	w := newWorld(t, repo, active("r1"), late)
	asked := &lists{Reader: w.Client}
	w.reconciler.Client, w.reconciler.APIReader = behind{w.Client}, asked
	w.rendered = nil
	for _, name := range []string{"a", "b", "late", "web"} {
		object := webPipeline("busybox:1")
		object.Object.SetName(name)
		w.rendered = append(w.rendered, object)
	}
	w.reconcile(t)
	other := webPipeline("busybox:1")
	other.Object.SetName("web2")
	w.head.Commit, w.rendered = "c2", []render.Object{other}
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	asked.of = nil
	w.reconcile(t)
	expect(t, "lists", []string{"*v1alpha1.RunList", "*v1.PartialObjectMetadataList"}, asked.of)
	expect(t, "pipelines", []string{"late", "web", "web2"}, w.pipelines(t))
	expect(t, "message", "applied main@sha1:c2; to be pruned when its active Runs have ended: Pipeline/web (2026-01-02T04:09:05Z at the latest); "+
		"to be pruned when the Jobs and notifiers of its Runs have ended: Pipeline/late (2026-01-02T04:09:05Z at the latest)", w.ready(t))
}
