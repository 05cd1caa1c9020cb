package keeper_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

func webRun() place.Run {
	return place.Run{Namespace: "ci", Pipeline: "web", Name: "web-1", UID: "uid-web-1"}
}

func (w *world) log(pod types.UID) place.Log {
	return place.Log{Run: webRun(), Job: "test", Pod: pod, Container: "main"}
}

// TestLateStore: a store that was away, or whose clock is another, waits for the logs of
// a Run that it sees first, and for none for ever.
func TestLateStore(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		// now is the store's time, in seconds, when it first looks; the Run ended at 10.
		now int64
		// after are seconds behind that with how long it then waits; 0: it is stored.
		after []int64
		waits []time.Duration
	}{
		"just now":                 {0, []int64{0, 2, 4, 8, 16}, []time.Duration{2 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second}},
		"in time":                  {20, []int64{0, 460, 470}, []time.Duration{10 * time.Second, 10 * time.Second, 0}},
		"away for a while":         {550, []int64{0, 59, 60}, []time.Duration{10 * time.Second, 10 * time.Second, 0}},
		"away for long":            {100_000, []int64{0, 470, 480}, []time.Duration{10 * time.Second, 10 * time.Second, 0}},
		"a clock that is slow":     {-100_000, []int64{0, 2, 470, 480}, []time.Duration{2 * time.Second, 2 * time.Second, 10 * time.Second, 0}},
		"a clock that is too fast": {590, []int64{0, 59, 60}, []time.Duration{10 * time.Second, 10 * time.Second, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, objects()...)
			for i, after := range tt.after {
				w.clock.SetTime(at(tt.now + after).Time)
				result, got, err := w.record(t)
				if err != nil || result.RequeueAfter != tt.waits[i] || (got != nil) != (tt.waits[i] == 0) {
					t.Errorf("after %d s: %v, %v, %v", after, result, got, err)
				}
			}
		})
	}
}

// TestPace: of Runs that ended long ago only so many are recorded each second.
func TestPace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()...)
	w.clock.SetTime(at(100_000).Time)
	w.follow(t)
	var waits []time.Duration
	for _, name := range []string{"web-1", "web-2", "web-3"} {
		var run v1alpha1.Run
		if err := w.Get(t.Context(), request("web-1").NamespacedName, &run); err != nil {
			t.Fatal(err)
		}
		if name != "web-1" {
			run.ObjectMeta.Name, run.UID, run.ResourceVersion, run.Status.Jobs, run.Status.Conditions = name, types.UID("uid-"+name), "", nil, nil
			if err := w.Create(t.Context(), &run); err != nil {
				t.Fatal(err)
			}
		}
		result, err := w.runs.Reconcile(t.Context(), request(name))
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, result.RequeueAfter)
	}
	if diff := cmp.Diff([]time.Duration{0, time.Second / 5, 2 * time.Second / 5}, waits); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGonePods: the logs are found of pods that were deleted before the Run's end: those
// that this process has followed, and those of a process before it.
func TestGonePods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()...)
	masker, _ := mask.New(nil)
	if _, err := w.logs.Keeper.Keep(t.Context(), w.log("uid-before"), &runlogs.Container{Name: "main"}, masker, 0); err != nil {
		t.Fatal(err)
	}
	w.follow(t)
	if err := w.Delete(t.Context(), objects()[0]); err != nil {
		t.Fatal(err)
	}
	var run v1alpha1.Run
	if err := w.Get(t.Context(), request("web-1").NamespacedName, &run); err != nil {
		t.Fatal(err)
	}
	run.Status.Jobs[0].Attempts = 3
	if err := w.Status().Update(t.Context(), &run); err != nil {
		t.Fatal(err)
	}
	_, got, err := w.record(t)
	want := condition("True", v1alpha1.ReasonStoredInPart, "The record and 2 logs are kept; test: the pods of attempt 1 are gone, and their logs with them", 60)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	record, err := records.Get(t.Context(), w.bucket, webRun())
	if err != nil {
		t.Fatal(err)
	}
	record.Run.ResourceVersion = ""
	found := map[types.UID]string{}
	for _, part := range runlogs.Parts(record.Run, record.Pods) {
		for _, c := range part.Containers {
			if !c.State.Started.IsZero() && c.Kept {
				found[c.UID] = part.Name + "/" + c.Name
			}
		}
	}
	if diff := cmp.Diff(map[types.UID]string{"uid-before": "test/main", "uid-web-1-test-x": "test/main"}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBrokenOff: a log that a process before has begun and whose pod is gone gets an end.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()[2:]...)
	masker, _ := mask.New(nil)
	if _, err := w.logs.Keeper.Keep(t.Context(), w.log("uid-before"), &runlogs.Container{Name: "main"}, masker, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.bucket.Delete(t.Context(), w.log("uid-before").End()); err != nil {
		t.Fatal(err)
	}
	_, got, err := w.record(t)
	want := condition("True", v1alpha1.ReasonStoredInPart,
		"The record and 1 log are kept; test, container main: its pod was deleted: what it printed after 13:46:42 UTC is lost", 60)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestNothingFollowed: a Run whose pods were gone before the store could see them says so.
func TestNothingFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()[2:]...)
	_, got, err := w.record(t)
	want := condition("True", v1alpha1.ReasonStoredInPart, "The record and 0 logs are kept; test: its pod is gone, and its log with it", 60)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// remove deletes the Run, and tells the store as the cache does. It returns what is to be
// looked at.
func (w *world) remove(t *testing.T) []reconcile.Request {
	t.Helper()
	var run v1alpha1.Run
	if err := w.Get(t.Context(), request("web-1").NamespacedName, &run); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(t.Context(), &run); err != nil {
		t.Fatal(err)
	}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	defer queue.ShutDown()
	w.runs.Deletions().Delete(t.Context(), event.DeleteEvent{Object: &run}, queue)
	var queued []reconcile.Request
	for queue.Len() > 0 {
		next, _ := queue.Get()
		queued = append(queued, next)
	}
	return queued
}

// TestDeletedRun: a Run that is deleted before it is stored is recorded as it was last,
// and forgotten.
func TestDeletedRun(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit  func(*v1alpha1.Run)
		phase v1alpha1.RunPhase
		job   v1alpha1.JobPhase
	}{
		"that has ended": {func(*v1alpha1.Run) {}, v1alpha1.RunFailed, v1alpha1.JobFailed},
		"that runs": {func(run *v1alpha1.Run) {
			run.Status.Phase, run.Status.CompletionTime, run.Status.Jobs[0].Phase = v1alpha1.RunRunning, nil, v1alpha1.JobRunning
		}, v1alpha1.RunCancelled, v1alpha1.JobCancelled},
		"that never began": {func(run *v1alpha1.Run) { run.Status = v1alpha1.RunStatus{} }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := objects()
			if run, is := all[2].(*v1alpha1.Run); is {
				tt.edit(run)
			}
			w := newWorld(t, all...)
			w.follow(t)
			if queued := w.remove(t); (len(queued) > 0) != (tt.phase != "") {
				t.Fatalf("looked at: %v", queued)
			}
			w.clock.SetTime(at(63).Time)
			if _, err := w.runs.Reconcile(t.Context(), request("web-1")); err != nil {
				t.Fatal(err)
			}
			record, err := records.Get(t.Context(), w.bucket, webRun())
			if tt.phase != "" && (err != nil || record.Run.Status.Phase != tt.phase || record.Run.Status.Jobs[0].Phase != tt.job || len(record.Pods) != 1) {
				t.Errorf("%+v, %v", record, err)
			}
			if tt.phase == "" && err == nil {
				t.Errorf("it is recorded: %+v", record)
			}
			if len(w.logs.Ends("uid-web-1")) != 0 || w.patches != 0 {
				t.Errorf("what is known of it: %v; %d patches", w.logs.Ends("uid-web-1"), w.patches)
			}
		})
	}
}

// TestDeletedRunWithoutBucket: the record of a deleted Run is tried for an hour, and then
// given up.
func TestDeletedRunWithoutBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()...)
	w.remove(t)
	w.bucket.Before = func(request string) error {
		if strings.HasPrefix(request, "put ") {
			return apierrors.NewServiceUnavailable("full")
		}
		return nil
	}
	var failed []bool
	for _, second := range []int64{61, 200, 3500, 3700, 3701} {
		w.clock.SetTime(at(second).Time)
		_, err := w.runs.Reconcile(t.Context(), request("web-1"))
		failed = append(failed, err != nil)
	}
	if diff := cmp.Diff([]bool{false, true, true, false, false}, failed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTurns: a log that can't be kept for now takes nobody's turn.
func TestTurns(t *testing.T) {
	t.Parallel()
	all := objects()
	pod, isPod := all[0].(*corev1.Pod)
	if !isPod {
		t.Fatal("the objects have changed")
	}
	// The logs of two pods, of which the first can't be masked for now, have one turn.
	other := pod.DeepCopy()
	other.Name, other.UID, other.Spec.Volumes = "web-1-test-y", "uid-web-1-test-y", nil
	w := newWorld(t, append(all, other)...)
	asked := make(chan struct{}, 1)
	w.reads = func(object client.Object) error {
		if _, is := object.(*corev1.Secret); is {
			asked <- struct{}{}
			return apierrors.NewServiceUnavailable("away")
		}
		return nil
	}
	for _, name := range []string{"web-1-test-x", "web-1-test-y"} {
		if _, err := w.logs.Reconcile(t.Context(), request(name)); err != nil {
			t.Fatal(err)
		}
		if name == "web-1-test-x" {
			<-asked
		}
	}
	<-w.logs.Ended
	var ended []types.UID
	for log, end := range w.logs.Ends("uid-web-1") {
		if end != nil {
			ended = append(ended, log.Pod)
		}
	}
	if diff := cmp.Diff([]types.UID{"uid-web-1-test-y"}, ended); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
