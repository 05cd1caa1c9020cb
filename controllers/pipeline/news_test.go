package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
)

// asked is a queue that writes down when it was asked for a look.
type asked struct {
	workqueue.TypedRateLimitingInterface[ctrl.Request]
	after []time.Duration
}

func (a *asked) Add(ctrl.Request) { a.after = append(a.after, 0) }

func (a *asked) AddAfter(_ ctrl.Request, after time.Duration) { a.after = append(a.after, after) }

func TestRunNews(t *testing.T) {
	t.Parallel()
	status := func(phase v1alpha1.RunPhase, number int64) client.Object {
		return &v1alpha1.Run{Status: v1alpha1.RunStatus{Phase: phase, Number: number}}
	}
	var r Reconciler
	for _, tt := range []struct {
		name          string
		before, after client.Object
		want          []time.Duration
	}{
		{name: "starts", before: status("", 0), after: status(v1alpha1.RunRunning, 3), want: []time.Duration{together}},
		{name: "is queued", before: status("", 0), after: status(v1alpha1.RunQueued, 0), want: []time.Duration{together}},
		{name: "a job of it has ended", before: status(v1alpha1.RunRunning, 3), after: status(v1alpha1.RunRunning, 3)},
		{name: "ends", before: status(v1alpha1.RunRunning, 3), after: status(v1alpha1.RunFailed, 3), want: []time.Duration{0}},
		{name: "gets a number to be told of", before: status(v1alpha1.RunCancelled, 0), after: status(v1alpha1.RunCancelled, 4), want: []time.Duration{0}},
		{name: "a notifier has failed", before: status(v1alpha1.RunFailed, 3), after: status(v1alpha1.RunFailed, 3)},
		{name: "is deleted", before: status(v1alpha1.RunRunning, 3), want: []time.Duration{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var queue asked
			if tt.after == nil {
				r.runNews().Delete(t.Context(), event.DeleteEvent{Object: tt.before}, &queue)
			} else {
				r.runNews().Update(t.Context(), event.UpdateEvent{ObjectOld: tt.before, ObjectNew: tt.after}, &queue)
			}
			if diff := cmp.Diff(tt.want, queue.after); diff != "" {
				t.Errorf("looks, each after so long (-want +got):\n%s", diff)
			}
		})
	}
}
