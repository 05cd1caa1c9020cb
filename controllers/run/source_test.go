package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/start"
)

// failedAt is a Run called first of a chain, whose job of that number failed.
func failedAt(p *v1alpha1.Pipeline, failed int) *v1alpha1.Run {
	run := started("first", p)
	run.Spec.Params = map[string]string{"git_sha": "8f3c"}
	run.Spec.Origin = &v1alpha1.Origin{Trigger: "web-push", Delivery: "1"}
	run.Labels[v1alpha1.TriggerLabel] = "web-push"
	run.Status = v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, Number: 7}
	for i := range p.Spec.Jobs {
		s := v1alpha1.JobStatus{Name: p.Spec.Jobs[i].Name, Phase: v1alpha1.JobSkipped}
		if i <= failed {
			s.Phase, s.Job = v1alpha1.JobSucceeded, "first-"+s.Name
			s.Outputs = map[string]string{"version": "1.4." + s.Name}
			s.StartTime = &metav1.Time{Time: time.Date(2026, 3, 1, 11, i, 0, 0, time.UTC)}
			s.CompletionTime = &metav1.Time{Time: s.StartTime.Add(time.Minute)}
		}
		if i == failed {
			s.Phase, s.Outputs = v1alpha1.JobFailed, nil
		}
		run.Status.Jobs = append(run.Status.Jobs, s)
	}
	return run
}

// paramChain is a chain of jobs that takes git_sha.
func paramChain(n int) *v1alpha1.Pipeline {
	p := chain(n)
	p.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}}
	return p
}

// retryOf is a Run called run that retries the one called first, made by hand.
func retryOf(p *v1alpha1.Pipeline) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run", UID: "run-run", Generation: 1},
		Spec:       v1alpha1.RunSpec{Pipeline: p.Name, RetryOf: "first"},
	}
}

// A retry costs what a Run of the jobs that run again costs.
func TestWritesOfARetry(t *testing.T) {
	t.Parallel()
	for _, lag := range []bool{false, true} {
		t.Run(fmt.Sprintf("lag %t", lag), func(t *testing.T) {
			t.Parallel()
			p := paramChain(5)
			first := failedAt(p, 3)
			retry := retryOf(p)
			retry.Labels, retry.OwnerReferences = map[string]string{v1alpha1.PipelineLabel: "web"}, first.OwnerReferences
			start.Inherit(retry, first)
			w := newWorld(t, p, revision.New(p, 1), first, retry)
			w.repeat(lag)
			if diff := cmp.Diff(map[string]int{"run-j3": 1, "run-j4": 1}, w.created); diff != "" {
				t.Errorf("Jobs (-want +got):\n%s", diff)
			}
			if got, most := len(w.writes)+len(w.events.Events), 2*2+6-3; got > most {
				t.Errorf("%d writes, at most %d:\n%s", got, most, strings.Join(w.writes, "\n"))
			}
			if w.conflicts > 0 || len(w.liveReads) > 0 {
				t.Errorf("%d conflicts, live reads %v; want none", w.conflicts, w.liveReads)
			}
			if got, want := w.event(), "Normal Succeeded 5 of 5 jobs succeeded (3 reused from first)"; got != want {
				t.Errorf("event %q, want %q", got, want)
			}
		})
	}
}

// The Pipeline was edited since: the retry runs what the earlier Run has run.
// The controller dies right after its k-th write, for each k.
func TestRetryMadeByHand(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		p := paramChain(3)
		old, first := revision.New(p, 1), failedAt(p, 1)
		p.Spec.Jobs = p.Spec.Jobs[:1]
		w := newWorld(t, p, old, first, retryOf(p))
		w.crashAt = crashAt
		return w, w.play()
	}
	calm, want := play(0)
	first := calm.run("first")
	wantSpec := *first.Spec.DeepCopy()
	wantSpec.RetryOf = "first"
	if diff := cmp.Diff(wantSpec, want.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first.Labels, want.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first.OwnerReferences, want.OwnerReferences); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	reused := first.Status.Jobs[0]
	reused.ReusedFrom = "first"
	if diff := cmp.Diff(reused, want.Status.Jobs[0]); diff != "" {
		t.Errorf("reused job (-want +got):\n%s", diff)
	}
	if want.Status.Number != 8 || !want.Status.StartTime.Time.Equal(calm.clock.Now()) {
		t.Errorf("the Run is number %d, started at %s; want 8, at its own first job", want.Status.Number, want.Status.StartTime)
	}
	env := calm.jobs()[0].Spec.Template.Spec.Containers[0].Env
	if want := (corev1.EnvVar{Name: "KAYCI_OUTPUT_J0_VERSION", Value: "1.4.j0"}); !slices.Contains(env, want) {
		t.Errorf("the first Job that runs again has the environment %v, want %v", env, want)
	}
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		if diff := cmp.Diff(map[string]int{"run-j1": 1, "run-j2": 1}, w.created); diff != "" {
			t.Errorf("killed after write %d (%s): Jobs (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
	}
}

// Once recorded, what is reused doesn't depend on the earlier Run any more.
func TestRetryOutlivesItsSource(t *testing.T) {
	t.Parallel()
	p := paramChain(3)
	first := failedAt(p, 1)
	w := newWorld(t, p, revision.New(p, 1), first, retryOf(p))
	w.mustReconcile("run")
	if err := w.live.Delete(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if got := w.play(); got.Status.Phase != v1alpha1.RunSucceeded || got.Status.Jobs[0].ReusedFrom != "first" {
		t.Errorf("the retry ended as %+v", got.Status)
	}
}

// A cache that doesn't know yet that the earlier Run has ended, or exists, is no
// reason to refuse its retry.
func TestRetryOfARunThatTheCacheShowsRunning(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	first := failedAt(p, 1)
	running := first.DeepCopy()
	running.Status.Phase = v1alpha1.RunRunning
	for name, seen := range map[string]*v1alpha1.Run{"running": running, "unknown": started("other", p)} {
		w := newWorld(t, p, revision.New(p, 1), seen, retryOf(p))
		w.sync()
		fresh := newWorld(t, p, revision.New(p, 1), first, retryOf(p))
		fresh.cache = w.cache
		fresh.mustReconcile("run")
		if got := fresh.run("run").Status; got.Phase != v1alpha1.RunRunning || got.Jobs[0].ReusedFrom != "first" {
			t.Errorf("%s: the retry is %+v", name, got)
		}
	}
}

func TestRunsThatRetryNothing(t *testing.T) {
	t.Parallel()
	p := paramChain(2)
	other := paramChain(2)
	other.Name, other.UID = "api", "api-uid"
	change := func(edit func(*v1alpha1.Run)) *v1alpha1.Run {
		first := failedAt(p, 1)
		edit(first)
		return first
	}
	for name, tt := range map[string]struct {
		first           *v1alpha1.Run
		edit            func(*v1alpha1.Run)
		reason, message string
	}{
		"of a Run that doesn't exist": {reason: "InvalidRetry", message: "retryOf: run first doesn't exist"},
		"of another pipeline":         {first: failedAt(other, 1), reason: "InvalidRetry", message: "retryOf: run first is of pipeline api, not of web"},
		"of one that still runs": {
			first:  change(func(r *v1alpha1.Run) { r.Status.Phase = v1alpha1.RunRunning }),
			reason: "InvalidRetry", message: "retryOf: run first has not ended yet",
		},
		"of one that was not looked at": {
			first:  change(func(r *v1alpha1.Run) { r.Status = v1alpha1.RunStatus{} }),
			reason: "InvalidRetry", message: "retryOf: run first has not ended yet",
		},
		"of one that has succeeded": {
			first:  change(func(r *v1alpha1.Run) { r.Status.Phase = v1alpha1.RunSucceeded }),
			reason: "InvalidRetry", message: "retryOf: run first has succeeded: there is nothing to retry",
		},
		"of one that is being deleted": {
			first: change(func(r *v1alpha1.Run) {
				r.Finalizers, r.DeletionTimestamp = []string{"foregroundDeletion"}, &metav1.Time{Time: time.Unix(1, 0)}
			}),
			reason: "InvalidRetry", message: "retryOf: run first is being deleted",
		},
		"of itself": {
			edit:   func(r *v1alpha1.Run) { r.Spec.RetryOf = "run" },
			reason: "InvalidRetry", message: "retryOf: run run has not ended yet",
		},
		"with another revision": {
			first: failedAt(p, 1), edit: func(r *v1alpha1.Run) { r.Spec.Revision = "web-other" },
			reason: "InvalidRetry", message: "retryOf: run first has another revision: leave out spec.revision",
		},
		"with other params": {
			first: failedAt(p, 1), edit: func(r *v1alpha1.Run) { r.Spec.Params = map[string]string{"git_sha": "canary"} },
			reason: "InvalidRetry", message: "retryOf: run first has other params: leave out spec.params",
		},
		"of a revision that is gone": {
			first:  change(func(r *v1alpha1.Run) { r.Spec.Revision = "web-gone" }),
			reason: "RevisionNotFound", message: "revision web-gone doesn't exist",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			retry := retryOf(p)
			if tt.edit != nil {
				tt.edit(retry)
			}
			w := newWorld(t, p, revision.New(p, 1), retry)
			if tt.first != nil {
				w = newWorld(t, p, revision.New(p, 1), retry, tt.first)
			}
			given := retry.Spec.DeepCopy()
			w.expectRefused(tt.reason, tt.message)
			if diff := cmp.Diff(given, &w.run("run").Spec); tt.reason == v1alpha1.ReasonInvalidRetry && diff != "" {
				t.Errorf("a spec that can't be completed has changed (-before +after):\n%s", diff)
			}
		})
	}
}

// expectRefused checks that the Run ends without a Job, and belongs to its
// Pipeline so that it goes one day.
func (w *world) expectRefused(reason, message string) {
	w.t.Helper()
	if result := w.mustReconcile("run"); result.RequeueAfter > 0 {
		w.t.Errorf("asks for another look after %s", result.RequeueAfter)
	}
	got := w.run("run")
	if got.Status.Phase != v1alpha1.RunFailed || len(w.created) > 0 {
		w.t.Fatalf("the Run is %s and has made %v, want Failed", got.Status.Phase, w.created)
	}
	if c := got.Status.Conditions[0]; c.Reason != reason || c.Message != message {
		w.t.Errorf("%s: %q, want %s: %q", c.Reason, c.Message, reason, message)
	}
	if metav1.GetControllerOf(got) == nil || got.Labels[v1alpha1.PipelineLabel] != "web" {
		w.t.Errorf("owners %v, labels %v; want the pipeline", got.OwnerReferences, got.Labels)
	}
	before := len(w.writes)
	w.mustReconcile("run")
	if extra := w.writes[before:]; len(extra) > 0 {
		w.t.Errorf("a second look wrote %v", extra)
	}
}
