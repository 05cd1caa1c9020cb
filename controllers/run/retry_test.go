package run_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/start"
)

// asked is the Run called first, annotated.
func asked(p *v1alpha1.Pipeline, phase v1alpha1.RunPhase) *v1alpha1.Run {
	run := failedAt(p, 1)
	run.Annotations = map[string]string{v1alpha1.RetryAnnotation: "1", "team": "blue"}
	run.Status.Phase = phase
	return run
}

func TestAnnotationOfAFinishedRun(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	name := start.RetryName(failedAt(p, 1), "1")
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "runs"}, name, errors.New("exceeded quota: runs"))
	for title, tt := range map[string]struct {
		phase v1alpha1.RunPhase
		deny  error
		gone  bool
		event string
		retry bool
	}{
		"failed":    {phase: v1alpha1.RunFailed, event: "Normal Retried run " + name + " retries this one", retry: true},
		"cancelled": {phase: v1alpha1.RunCancelled, event: "Normal Retried run " + name + " retries this one", retry: true},
		"succeeded": {phase: v1alpha1.RunSucceeded, event: "Normal NothingToRetry the Run has succeeded: there is nothing to retry"},
		"no room": {
			phase: v1alpha1.RunFailed, deny: forbidden,
			event: "Warning RetryRefused create Run " + name + ": " + forbidden.Error() + "; annotate the Run again when that has changed",
		},
		"pipeline gone": {
			phase: v1alpha1.RunFailed, gone: true,
			event: "Warning RetryRefused PipelineNotFound: pipeline web doesn't exist; annotate the Run again when that has changed",
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p, revision.New(p, 1), asked(p, tt.phase))
			w.deny["create *v1alpha1.Run "+name] = tt.deny
			if tt.gone {
				if err := w.live.Delete(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
			before := w.run("first")
			w.mustReconcile("first")
			w.mustReconcile("first")
			if diff := cmp.Diff([]string{tt.event}, w.told()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			after := w.run("first")
			if diff := cmp.Diff(map[string]string{"team": "blue"}, after.Annotations); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before.Status, after.Status); diff != "" {
				t.Errorf("the finished Run's status has changed:\n%s", diff)
			}
			want := []string{"create *v1alpha1.Run " + name, "patch *v1alpha1.Run first"}
			if !tt.retry {
				want = want[1:]
			}
			if diff := cmp.Diff(want, w.writes); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

// told returns the events since it was last asked.
func (w *world) told() []string {
	var told []string
	for len(w.events.Events) > 0 {
		told = append(told, w.event())
	}
	return told
}

// A Run that is annotated while it runs is retried when it has failed, by the
// very look that finds so: nothing else happens to it any more. Killed anywhere,
// one retry comes of it, and none when it succeeds.
func TestAnnotationOfARunningRun(t *testing.T) {
	t.Parallel()
	play := func(crashAt int, code int32) *world {
		p := chain(2)
		run := started("run", p)
		run.Annotations = map[string]string{v1alpha1.RetryAnnotation: "1"}
		w := newWorld(t, p, revision.New(p, 1), run)
		w.mustReconcile("run")
		w.writes, w.crashAt = nil, crashAt
		if code != 0 {
			w.fail("run-j0")
		}
		w.play()
		if _, err := w.reconcile("run"); errors.Is(err, errCrash) {
			w.restart()
			w.mustReconcile("run")
		}
		return w
	}
	runs := func(w *world) []string {
		var list v1alpha1.RunList
		if err := w.live.List(t.Context(), &list); err != nil {
			t.Fatal(err)
		}
		names := map[string]string{}
		for i := range list.Items {
			names[list.Items[i].Name] = list.Items[i].Spec.RetryOf
			if _, asked := list.Items[i].Annotations[v1alpha1.RetryAnnotation]; asked {
				t.Errorf("Run %s is still annotated", list.Items[i].Name)
			}
		}
		return slices.Sorted(maps.Values(names))
	}
	calm := play(0, 1)
	if diff := cmp.Diff([]string{"", "run"}, runs(calm)); diff != "" {
		t.Fatalf("what the Runs retry (-want +got):\n%s", diff)
	}
	for k := 1; k <= len(calm.writes); k++ {
		if diff := cmp.Diff([]string{"", "run"}, runs(play(k, 1))); diff != "" {
			t.Errorf("killed after write %d (%s): what the Runs retry (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
	}
	if diff := cmp.Diff([]string{""}, runs(play(0, 0))); diff != "" {
		t.Errorf("after a success: what the Runs retry (-want +got):\n%s", diff)
	}
}

// What was answered is not asked again: not when the retry has been deleted, nor
// by a controller that starts anew.
func TestAnnotationIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	w := newWorld(t, p, revision.New(p, 1), asked(p, v1alpha1.RunFailed))
	w.mustReconcile("first")
	retry := w.run(start.RetryName(failedAt(p, 1), "1"))
	if err := w.live.Delete(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	w.restart()
	before := len(w.writes)
	w.mustReconcile("first")
	if extra := w.writes[before:]; len(extra) > 0 {
		t.Errorf("a new controller wrote %v", extra)
	}
}

// Another value that came while the first was answered is a question of its own.
func TestAnnotationThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	w := newWorld(t, p, revision.New(p, 1), asked(p, v1alpha1.RunFailed))
	w.sync()
	again := w.run("first")
	again.Annotations[v1alpha1.RetryAnnotation] = "2"
	if err := w.live.Update(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if result := w.mustReconcile("first"); result.RequeueAfter == 0 {
		t.Error("asks for no other look")
	}
	w.sync()
	w.mustReconcile("first")
	for _, value := range []string{"1", "2"} {
		w.run(start.RetryName(failedAt(p, 1), value))
	}
	if _, asked := w.run("first").Annotations[v1alpha1.RetryAnnotation]; asked {
		t.Error("the annotation is still there")
	}
}

// The API server can't say: the question stays.
func TestAnnotationOutlastsTheAPIServer(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	w := newWorld(t, p, revision.New(p, 1), asked(p, v1alpha1.RunFailed))
	create := "create *v1alpha1.Run " + start.RetryName(failedAt(p, 1), "1")
	w.deny[create] = apierrors.NewServiceUnavailable("etcd is away")
	if _, err := w.reconcile("first"); err == nil {
		t.Error("no error: nothing looks again")
	}
	if got := w.run("first").Annotations[v1alpha1.RetryAnnotation]; got != "1" {
		t.Errorf("annotation %q, want it to stay", got)
	}
	delete(w.deny, create)
	w.mustReconcile("first")
	w.run(start.RetryName(failedAt(p, 1), "1"))
}

// fail lets the Job's pod fail, and the Job.
func (w *world) fail(name string) {
	w.t.Helper()
	for _, job := range w.jobs() {
		if job.Name != name {
			continue
		}
		w.kubelet(&job)
		var pod corev1.Pod
		w.get(name+"-pod", &pod)
		pod.Status.Phase = corev1.PodFailed
		pod.Status.ContainerStatuses[0].State.Terminated.ExitCode = 1
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonBackoffLimitExceeded})
		if err := errors.Join(w.live.Status().Update(w.t.Context(), &pod), w.live.Status().Update(w.t.Context(), &job)); err != nil {
			w.t.Fatal(err)
		}
	}
}
