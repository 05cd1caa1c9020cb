package run_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job"
)

// A cache that is far behind shows a Run that has no number yet, whose first Job
// has one, and a Run with a higher number. All Jobs of a Run carry the same.
func TestJobsOfARunCarryOneNumber(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b"})
	other := started("other", p)
	other.Status.Number = 6
	w := newWorld(t, p, revision.New(p, 1), started("run", p), other)
	w.sync()
	first := job.Build(w.run("run"), 5, &p.Spec, &p.Spec.Jobs[0])
	if err := w.live.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	for _, name := range []string{"run-a", "run-b"} {
		var made batchv1.Job
		w.get(name, &made)
		if got := made.Annotations[job.NumberAnnotation]; got != "5" {
			t.Errorf("Job %s has number %s, want 5", name, got)
		}
	}
	if got := w.run("run").Status.Number; got != 5 {
		t.Errorf("the Run has number %d, want 5", got)
	}
}

// The number was claimed, and recording it failed, as far as the controller
// knows. Meanwhile another Run has got a higher one.
func TestNumberIsClaimedOnce(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p), started("other", p))
	w.sync()
	w.deny["create *v1.Job run-j0"] = apierrors.NewForbidden(jobResource(), "run-j0", errors.New("exceeded quota: small"))
	w.deny["patch status *v1alpha1.Run run"] = apierrors.NewTimeoutError("who knows", 1)
	if _, err := w.reconcile("run"); err == nil {
		t.Fatal("the status could not be written, and nothing says so")
	}
	w.mustReconcile("other")
	clear(w.deny)
	w.mustReconcile("run")
	if got := w.run("run").Status.Number; got != 1 {
		t.Errorf("the Run has number %d, want 1", got)
	}
	if got := w.run("other").Status.Number; got != 2 {
		t.Errorf("the other Run has number %d, want 2", got)
	}
}

// An attempt whose answer is lost may have claimed the number: the next one asks
// for the same.
func TestNumberIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.deny["create *v1.ConfigMap web-1-params"] = apierrors.NewTimeoutError("who knows", 1)
	w.mustReconcile("run")
	w.wantSeen(map[string]string{"run": "Queued Queued: no job has started; j0: CreateError: create ConfigMap web-1-params: Timeout: who knows"})
	clear(w.deny)
	if err := w.live.Create(t.Context(), job.Params(w.run("run"), 1, nil)); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	if got := w.run("run").Status.Number; got != 1 {
		t.Errorf("the Run has number %d, want 1", got)
	}
}

// counted counts the Runs that are listed.
type counted struct {
	client.Client
	runs int
}

func (c *counted) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	err := c.Client.List(ctx, list, opts...)
	if runs, is := list.(*v1alpha1.RunList); is {
		c.runs += len(runs.Items)
	}
	return err
}

// kept are Runs that have ended.
func kept(p *v1alpha1.Pipeline, n int) []client.Object {
	var objects []client.Object
	for i := range n {
		run := started(fmt.Sprintf("kept-%d", i), p)
		run.Labels = map[string]string{v1alpha1.PipelineLabel: p.Name}
		run.Status = v1alpha1.RunStatus{Phase: v1alpha1.RunSucceeded, Number: int64(i + 1), CompletionTime: new(metav1.Now())}
		objects = append(objects, run)
	}
	return objects
}

// A Run costs the same from its start to its end, however many are kept. Only the
// first of a Pipeline asks them for their numbers.
func TestARunVisitsNoFinishedOne(t *testing.T) {
	t.Parallel()
	cost := map[int]int{}
	for _, n := range []int{0, 300} {
		p := chain(1)
		w := newWorld(t, append(kept(p, n), p, revision.New(p, 1), started("first", p), started("run", p))...)
		w.mustReconcile("first")
		reads := &counted{Client: w.reconciler.Client}
		w.reconciler.Client = reads
		w.mustReconcile("run")
		w.endJobs("run")
		w.mustReconcile("run")
		w.wantSeen(map[string]string{"run": "Succeeded Succeeded: 1 of 1 jobs succeeded"})
		if got := w.run("run").Status.Number; got != int64(n+2) {
			t.Errorf("number %d, want %d", got, n+2)
		}
		cost[n] = reads.runs
	}
	if diff := cmp.Diff(cost[0], cost[300]); diff != "" {
		t.Errorf("Runs visited (-with none kept +got):\n%s", diff)
	}
}
