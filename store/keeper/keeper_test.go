package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers"
	runlogs "github.com/kayci/kayci/runs/logs"
	storebucket "github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/keeper"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/copies"
)

func at(second int64) metav1.Time { return metav1.Unix(1_000_000+second, 0) }

// node is where containers print their names.
type node struct{ missing []string }

func (n *node) Read(_ context.Context, c *runlogs.Container, _ runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	err := each(&runlogs.Line{Time: at(2).Time, Stamp: []byte("stamp"), Text: []byte(c.Name + " says hunter22")})
	return runlogs.End{State: c.State, Complete: true, Missing: n.missing}, err
}

// world is a store beside a cluster with one Run of one job, which has ended.
type world struct {
	client.Client

	bucket  *bucket.Memory
	clock   *clocktesting.FakeClock
	node    *node
	logs    *keeper.Logs
	runs    *keeper.Runs
	patches int
	// reads is asked before an object is read. nil: nothing fails.
	reads func(client.Object) error
}

func controlled(name, kind, owner string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "ci", Name: name, UID: types.UID("uid-" + name), Labels: labels, CreationTimestamp: at(0),
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, UID: types.UID("uid-" + owner), Controller: new(true)}},
	}
}

func objects() []client.Object {
	labels := map[string]string{v1alpha1.RunLabel: "web-1", v1alpha1.JobLabel: "test"}
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: at(1), FinishedAt: at(9), ExitCode: 3}}
	pod := &corev1.Pod{
		ObjectMeta: controlled("web-1-test-x", "Job", "web-1-test", labels),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}, {Name: "never"}}, Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "login"}}}}},
		Status:     corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: ended}}},
	}
	job := &batchv1.Job{ObjectMeta: controlled("web-1-test", v1alpha1.RunKind, "web-1", labels)}
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}
	completed := at(10)
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "uid-web-1"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web", Revision: "web-r1"},
		Status: v1alpha1.RunStatus{
			Phase: v1alpha1.RunFailed, Number: 7, CompletionTime: &completed,
			Jobs: []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobFailed, Job: "web-1-test"}},
		},
	}
	revision := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-r1"}, Data: runtime.RawExtension{Raw: []byte(`{"jobs":[{"name":"test","template":{"spec":{"template":{"spec":{"containers":null}}}}}]}`)}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "login"}, Data: map[string][]byte{"token": []byte("hunter22")}}
	return []client.Object{pod, job, run, revision, secret}
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme, err := controllers.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{bucket: &bucket.Memory{}, clock: clocktesting.NewFakeClock(at(60).Time), node: &node{}}
	byRun := func(object client.Object) []string { return []string{object.GetLabels()[v1alpha1.RunLabel]} }
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithStatusSubresource(&v1alpha1.Run{}).
		WithIndex(&corev1.Pod{}, "metadata.labels."+v1alpha1.RunLabel, byRun).WithIndex(&batchv1.Job{}, "metadata.labels."+v1alpha1.RunLabel, byRun).
		WithIndex(&corev1.Event{}, "involvedObject.uid", func(client.Object) []string { return nil }).
		WithInterceptorFuncs(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if w.reads != nil {
				if err := w.reads(object); err != nil {
					return err
				}
			}
			return c.Get(ctx, key, object, options...)
		}, SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			w.patches++
			return c.SubResource(sub).Patch(ctx, object, patch, options...)
		}}).Build()
	metrics, err := keeper.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	w.logs = &keeper.Logs{
		Client: w, APIReader: w, Keeper: &logs.Keeper{Bucket: w.bucket, Source: w.node, Clock: clock.RealClock{}, Patience: time.Nanosecond}, Clock: w.clock,
		Streams: make(chan struct{}, 1), Ended: make(chan event.TypedGenericEvent[*v1alpha1.Run]), Metrics: metrics,
	}
	w.runs = &keeper.Runs{Client: w, APIReader: w, Status: w, Bucket: w.bucket, Logs: w.logs, Clock: w.clock, Metrics: metrics}
	return w
}

func request(name string) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ci", Name: name}}
}

// follow looks at the pod and waits for its log.
func (w *world) follow(t *testing.T) {
	t.Helper()
	if _, err := w.logs.Reconcile(t.Context(), request("web-1-test-x")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.logs.Ended:
	case <-t.Context().Done():
		t.Fatal("the log doesn't end")
	}
}

// record looks at the Run, and returns the condition.
func (w *world) record(t *testing.T) (ctrl.Result, *metav1.Condition, error) {
	t.Helper()
	result, err := w.runs.Reconcile(t.Context(), request("web-1"))
	var run v1alpha1.Run
	if err := w.Get(t.Context(), request("web-1").NamespacedName, &run); err != nil {
		t.Fatal(err)
	}
	return result, meta.FindStatusCondition(run.Status.Conditions, v1alpha1.StoredCondition), err
}

func condition(status metav1.ConditionStatus, reason, message string, second int64) *metav1.Condition {
	return &metav1.Condition{Type: v1alpha1.StoredCondition, Status: status, Reason: reason, Message: message, LastTransitionTime: at(second)}
}

// wantLog compares the log that is kept.
func (w *world) wantLog(t *testing.T, want string) {
	t.Helper()
	var text strings.Builder
	err := logs.Read(t.Context(), w.bucket, w.log("uid-web-1-test-x"), 1, func(int64) {}, &text)
	if err != nil || text.String() != want {
		t.Errorf("the log: %q, %v", text.String(), err)
	}
}

// TestKeep: a Run's log is kept without secrets, and then its record; the second look
// writes nothing.
func TestKeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()...)
	if result, got, err := w.record(t); result.RequeueAfter == 0 || got != nil || err != nil {
		t.Errorf("before its log is kept the record is stored: %v, %v, %v", result, got, err)
	}
	w.follow(t)
	for range 2 {
		_, got, err := w.record(t)
		if diff := cmp.Diff(condition("True", v1alpha1.ReasonStored, "The record and 1 log are kept", 60), got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if w.patches != 1 {
		t.Errorf("the Run was written %d times", w.patches)
	}
	run := place.Run{Namespace: "ci", Pipeline: "web", Name: "web-1", UID: "uid-web-1"}
	record, err := records.Get(t.Context(), w.bucket, run)
	if err != nil || record.Run.Status.Number != 7 || len(record.Pods) != 1 || record.Spec == nil || record.Spec.Jobs[0].Name != "test" {
		t.Errorf("the record: %+v, %v", record, err)
	}
	w.wantLog(t, "stamp main says ***\n")
	if _, err := w.logs.Reconcile(t.Context(), request("web-1-test-x")); err != nil || len(w.logs.Ends(run.UID)) != 0 {
		t.Errorf("a Run that is stored is followed again: %v", err)
	}
}

// TestWhatIsMissing stands in the Run's condition, and holds nobody up for long.
func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit   func(*world)
		follow bool
		want   *metav1.Condition
	}{
		"a part of a log": {
			func(w *world) { w.node.missing = []string{"it was rotated"} }, true,
			condition("True", v1alpha1.ReasonStoredInPart, "The record and 1 log are kept; test, container main: it was rotated", 60),
		},
		"a log that doesn't end": {
			func(w *world) {
				// The look begins the wait.
				_, _ = w.runs.Reconcile(context.Background(), request("web-1"))
				w.clock.SetTime(at(500).Time)
			}, false,
			condition("True", v1alpha1.ReasonStoredInPart, "The record and 0 logs are kept; test: the log of container main is not kept yet", 500),
		},
		"what can't be masked": {
			func(w *world) {
				_ = w.Delete(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "login"}})
			}, true,
			condition("True", v1alpha1.ReasonStoredInPart, "The record and 1 log are kept; test, container main: KayCI can't read the Secret login that the pod names, and so can't mask its values", 60),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, objects()...)
			tt.edit(w)
			if tt.follow {
				w.follow(t)
			}
			_, got, err := w.record(t)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestBucketAway: a bucket that takes nothing is told of on the Run, once for each reason,
// and tried again.
func TestBucketAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()...)
	w.follow(t)
	for patches, tt := range []struct {
		why     error
		message string
	}{
		{errors.New("nobody answers"), "The store's bucket doesn't take the record, which is tried again: its process says why in its log"},
		{fmt.Errorf("put a: %w", storebucket.ErrFull), "The store is full, and its operator has to make room: the record is tried again"},
		{fmt.Errorf("put a: %w", storebucket.ErrDenied), "The store has no right to use its bucket, and its operator has to give it: the record is tried again"},
	} {
		w.bucket.Before = func(request string) error {
			if strings.HasPrefix(request, "put ") {
				return tt.why
			}
			return nil
		}
		for range 2 {
			_, got, err := w.record(t)
			want := condition("False", v1alpha1.ReasonStoreUnavailable, tt.message, 60)
			if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, tt.why) {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
		if w.patches != patches+1 {
			t.Errorf("%v: the Run was written %d times", tt.why, w.patches)
		}
	}
	w.bucket.Before = nil
	if _, got, err := w.record(t); err != nil || got.Status != metav1.ConditionTrue {
		t.Errorf("once it is back: %v, %v", got, err)
	}
}

// TestChangedMeanwhile: a Run that changes while its record is stored is looked at again,
// and nothing is wrong.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, objects()...)
	w.follow(t)
	change := sync.OnceValue(func() error {
		var run v1alpha1.Run
		if err := w.Get(t.Context(), request("web-1").NamespacedName, &run); err != nil {
			return err
		}
		run.Labels = map[string]string{"changed": "true"}
		return w.Update(t.Context(), &run)
	})
	w.bucket.Before = func(string) error { return change() }
	if result, got, err := w.record(t); err != nil || got != nil || result.RequeueAfter != 100*time.Millisecond {
		t.Errorf("by the older Run: %v, %v, %v", result, got, err)
	}
	if _, got, err := w.record(t); err != nil || got == nil || got.Status != metav1.ConditionTrue {
		t.Errorf("by the newer Run: %v, %v", got, err)
	}
}

// TestStrangers: pods that are nobody's Run's are not followed.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(pod *corev1.Pod, job *batchv1.Job){
		"a notifier's":       func(pod *corev1.Pod, _ *batchv1.Job) { delete(pod.Labels, v1alpha1.JobLabel) },
		"without an owner":   func(pod *corev1.Pod, _ *batchv1.Job) { pod.OwnerReferences = nil },
		"of another Job":     func(_ *corev1.Pod, job *batchv1.Job) { job.UID = "another" },
		"of no Run's Job":    func(_ *corev1.Pod, job *batchv1.Job) { job.OwnerReferences = nil },
		"of a deleted Run":   func(_ *corev1.Pod, job *batchv1.Job) { job.OwnerReferences[0].UID = "another" },
		"that never started": func(pod *corev1.Pod, _ *batchv1.Job) { pod.Status.ContainerStatuses = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := objects()
			pod, isPod := all[0].(*corev1.Pod)
			job, isJob := all[1].(*batchv1.Job)
			if !isPod || !isJob {
				t.Fatal("the objects have changed")
			}
			edit(pod, job)
			w := newWorld(t, all...)
			if _, err := w.logs.Reconcile(t.Context(), request("web-1-test-x")); err != nil || len(w.logs.Ends("uid-web-1")) != 0 {
				t.Errorf("it is followed: %v", err)
			}
		})
	}
}
