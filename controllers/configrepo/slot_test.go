package configrepo_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

func namedRepo(name string) *v1alpha1.ConfigRepo {
	repo := configRepo()
	repo.Name = name
	return repo
}

// TestEvaluationsTakeTurns has three ConfigRepos with a new commit at once. The
// first evaluation lasts longer than the timeout, the second waits for it, and
// the third is stopped while it waits.
func TestEvaluationsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, namedRepo("first"), namedRepo("second"), namedRepo("third"))
		var started []time.Time
		evaluating := make(chan struct{})
		w.reconciler.Render = func(ctx context.Context, _ render.Options) ([]render.Object, error) {
			started = append(started, time.Now())
			if len(started) > 1 {
				deadline, _ := ctx.Deadline()
				expect(t, "time left for the second evaluation", time.Minute, time.Until(deadline))
			}
			<-evaluating
			return nil, render.Errors{{File: "web.jsonnet", Message: "is not for this test"}}
		}
		begin := func(ctx context.Context, name string) <-chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := w.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "ci", Name: name}})
				ended <- err
			}()
			synctest.Wait()
			return ended
		}

		first := begin(t.Context(), "first")
		second := begin(t.Context(), "second")
		stopping, stop := context.WithCancel(t.Context())
		third := begin(stopping, "third")
		stop()
		if err := <-third; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that was stopped ended with %v", err)
		}
		<-time.After(2 * time.Minute) // by the clock of the bubble: at once
		expect(t, "evaluations before the first has ended", 1, len(started))

		evaluating <- struct{}{}
		if err := <-first; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, "evaluations after the first has ended", 2, len(started))
		close(evaluating)
		if err := <-second; err != nil {
			t.Error(err)
		}
	})
}
