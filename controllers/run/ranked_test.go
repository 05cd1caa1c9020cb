package run_test

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// What looks again by itself does so with the priority of what it is by then.
func TestARunLooksAgainWithItsRankOfNow(t *testing.T) {
	t.Parallel()
	p := chain(1)
	run := started("run", p)
	w := newWorld(t, p, revision.New(p, 1), run)
	run = w.run("run")
	for _, tt := range []struct {
		age  time.Duration
		want int
	}{{time.Minute, 6}, {time.Hour, 12}} {
		w.clock.SetTime(run.CreationTimestamp.Add(tt.age))
		if got := w.mustReconcile("run").Priority; got == nil || *got != tt.want {
			t.Errorf("after %s: priority %v, want %d", tt.age, got, tt.want)
		}
	}
	if run = w.play(); run.Status.Phase != v1alpha1.RunSucceeded {
		t.Fatalf("the Run is %s", run.Status.Phase)
	}
	if got := w.mustReconcile("run").Priority; got == nil || *got != handler.LowPriority {
		t.Errorf("finished: priority %v, want %d", got, handler.LowPriority)
	}
}
