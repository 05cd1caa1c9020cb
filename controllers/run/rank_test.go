package run

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
)

var rankNow = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func aged(name string, age time.Duration, phase v1alpha1.RunPhase) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, CreationTimestamp: metav1.NewTime(rankNow.Add(-age))},
		Status:     v1alpha1.RunStatus{Phase: phase},
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	retried := aged("retried", time.Minute, v1alpha1.RunFailed)
	retried.Annotations = map[string]string{v1alpha1.RetryAnnotation: ""}
	for name, tt := range map[string]struct {
		run  *v1alpha1.Run
		want int
	}{
		"of a clock that is ahead": {aged("a", -time.Hour, ""), 0},
		"new":                      {aged("a", 0, ""), 0},
		"one second":               {aged("a", time.Second, ""), 1},
		"a minute":                 {aged("a", time.Minute, v1alpha1.RunRunning), 6},
		"an hour":                  {aged("a", time.Hour, v1alpha1.RunRunning), 12},
		"a day":                    {aged("a", 24*time.Hour, v1alpha1.RunRunning), 15},
		"never created":            {&v1alpha1.Run{}, 15},
		"finished":                 {aged("a", time.Minute, v1alpha1.RunFailed), handler.LowPriority},
		"to be retried":            {retried, 6},
	} {
		if got := rank(tt.run, rankNow); got != tt.want {
			t.Errorf("%s: rank %d, want %d", name, got, tt.want)
		}
	}
}

// Each priority is a series of a metric for as long as the process lives.
func TestRanksAreFewAndGrowWithAge(t *testing.T) {
	t.Parallel()
	seen, last := map[int]bool{}, -1
	for age := time.Duration(0); age < 72*time.Hour; age += time.Second {
		got := rank(aged("a", age, v1alpha1.RunRunning), rankNow)
		if got < last {
			t.Fatalf("a Run of %s has rank %d, a younger one %d", age, got, last)
		}
		seen[got], last = true, got
	}
	if len(seen) != ranks {
		t.Errorf("%d ranks, want %d: %v", len(seen), ranks, seen)
	}
}

// At a start every Run is new to the watch, in any order.
func TestTheQueueServesActiveRunsFirstAndOlderOnesBefore(t *testing.T) {
	t.Parallel()
	q := priorityqueue.New[reconcile.Request]("")
	t.Cleanup(q.ShutDown)
	r := &Reconciler{Clock: clocktesting.NewFakePassiveClock(rankNow)}
	add := func(run *v1alpha1.Run) { r.Enqueue().Create(t.Context(), event.CreateEvent{Object: run}, q) }
	const finished = 10_000
	for i := range finished {
		add(aged(fmt.Sprint("finished-", i), 48*time.Hour, v1alpha1.RunSucceeded))
	}
	add(aged("new", 0, ""))
	add(aged("old", time.Hour, v1alpha1.RunRunning))
	add(aged("younger", time.Minute, v1alpha1.RunRunning))
	if got := q.Len(); got != finished+3 {
		t.Fatalf("%d Runs in the queue, want %d", got, finished+3)
	}
	var got []string
	for range 4 {
		req, _ := q.Get()
		q.Done(req)
		got = append(got, req.Name)
	}
	if diff := cmp.Diff([]string{"old", "younger", "new", "finished-0"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
