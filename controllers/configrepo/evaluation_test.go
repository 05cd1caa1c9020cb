package configrepo_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// tooSlow is what an evaluation ends with at its deadline.
func tooSlow(ctx context.Context) error {
	<-ctx.Done()
	if context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // the very value
		return fmt.Errorf("evaluation was cancelled: %w", ctx.Err())
	}
	return lateError{{File: "loop.jsonnet", Message: "the evaluation did not finish in time"}}
}

// lateError is a render.Errors of an evaluation that took too long.
type lateError render.Errors

func (e lateError) Error() string   { return render.Errors(e).Error() }
func (e lateError) Unwrap() []error { return []error{render.Errors(e), context.DeadlineExceeded} }

// TestBadCommitIsEvaluatedOnce: neither time nor drift has the same files fetched
// and evaluated again; another commit, other vars or a person's request do.
func TestBadCommitIsEvaluatedOnce(t *testing.T) {
	tests := map[string]func(*world){
		"a file is wrong": func(w *world) { w.files = render.Errors{{File: "web.jsonnet", Message: "expected a comma"}} },
		"it is too large": func(w *world) { w.fetchErr = &git.Error{Reason: git.ReasonTooLarge} },
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, configRepo())
			harm(w)
			tried := func() int { return w.fetches }
			for range 5 {
				w.reconcile(t)
				w.clock.SetTime(w.clock.Now().Add(time.Hour))
			}
			expect(t, "looks and tries", [2]int{5, 1}, [2]int{w.looks, tried()})

			w.head.Commit = "c2"
			w.reconcile(t)
			expect(t, "tries after another commit", 2, tried())

			repo := w.repo(t)
			repo.Spec.Vars, repo.Generation = map[string]string{"a": "b"}, 2
			if err := w.Update(t.Context(), repo); err != nil {
				t.Fatal(err)
			}
			w.reconcile(t)
			expect(t, "tries with other vars", 3, tried())

			repo = w.repo(t)
			repo.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "now"}
			if err := w.Update(t.Context(), repo); err != nil {
				t.Fatal(err)
			}
			w.reconcile(t)
			w.reconcile(t)
			expect(t, "tries after a request", 4, tried())
		})
	}
}

// TestSlowCommitIsTriedLessAndLess looks at the repository each 10 s, and
// evaluates the commit that never ends at doubling distances.
func TestSlowCommitIsTriedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		repo := configRepo()
		repo.Spec.Interval = &metav1.Duration{Duration: 10 * time.Second}
		w := newWorld(t, repo)
		w.reconciler.Clock = clock.RealClock{} // that of the bubble
		start := time.Now()
		var tries []time.Duration
		w.reconciler.Render = func(ctx context.Context, _ render.Options) (render.Result, error) {
			tries = append(tries, time.Since(start))
			return render.Result{}, tooSlow(ctx)
		}
		var writes []string
		for time.Since(start) < 4*time.Hour {
			result, wrote, _ := w.reconcile(t)
			writes = append(writes, wrote...)
			<-time.After(result.RequeueAfter)
		}
		const m = time.Minute
		// A minute each, and then 30 s, 1, 2, 4, 8, 16, 32 and 60 minutes' rest.
		want := []time.Duration{0, m + m/2, 3*m + m/2, 6*m + m/2, 11*m + m/2, 20*m + m/2, 37*m + m/2, 70*m + m/2, 131*m + m/2, 192*m + m/2}
		expect(t, "tries", want, tries)
		expect(t, "writes", []string{"status mine", "status mine"}, writes)
		expect(t, "conditions", []metav1.Condition{
			{Type: "Reconciling", Status: "True", Reason: meta.ProgressingWithRetryReason, Message: "the sync has failed and is being retried", ObservedGeneration: 1},
			{Type: "Ready", Status: "False", Reason: "RenderFailed", Message: "loop.jsonnet: the evaluation did not finish in time", ObservedGeneration: 1},
		}, w.conditions(t))
	})
}

// TestEvaluationEndsWithItsCause: what nobody wants any more is stopped at once.
func TestEvaluationEndsWithItsCause(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, w *world)
		again  bool
	}{
		"deleted": {change: func(t *testing.T, w *world) {
			t.Helper()
			if err := w.Delete(t.Context(), w.repo(t)); err != nil {
				t.Fatal(err)
			}
		}},
		"suspended": {change: func(t *testing.T, w *world) {
			t.Helper()
			w.update(t, func(repo *v1alpha1.ConfigRepo) { repo.Spec.Suspend = true })
		}},
		"changed": {again: true, change: func(t *testing.T, w *world) {
			t.Helper()
			w.update(t, func(repo *v1alpha1.ConfigRepo) { repo.Spec.Path = "other" })
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, configRepo())
				var began, ended int
				w.reconciler.Render = func(ctx context.Context, _ render.Options) (render.Result, error) {
					began++
					if began > 1 {
						return render.Result{Objects: []render.Object{webPipeline("busybox:1")}}, nil
					}
					defer func() { ended++ }()
					return render.Result{}, tooSlow(ctx)
				}
				name := client.ObjectKey{Namespace: "ci", Name: "mine"}
				reconcile := func() {
					t.Helper()
					if _, err := w.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: name}); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				reconcile()
				reconcile()
				expect(t, "evaluations that began and ended", [2]int{1, 0}, [2]int{began, ended})
				test.change(t, w)
				reconcile()
				expect(t, "evaluations that ended", 1, ended)
				for len(w.woken) > 0 {
					<-w.woken
					reconcile()
				}
				expect(t, "evaluated again", test.again, began == 2)
			})
		})
	}
}

func (w *world) update(t *testing.T, change func(*v1alpha1.ConfigRepo)) {
	t.Helper()
	repo := w.repo(t)
	change(repo)
	repo.Generation++
	if err := w.Update(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
}
