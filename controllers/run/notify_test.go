package run_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job"
)

// telling adds a notifier `chat` to a Pipeline.
func telling(p *v1alpha1.Pipeline, phases ...v1alpha1.RunPhase) *v1alpha1.Pipeline {
	n := v1alpha1.Notifier{Name: "chat", Phases: phases}
	n.Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox:1", Command: []string{"true"}}}
	p.Spec.Notifiers = []v1alpha1.Notifier{n}
	return p
}

// notices returns the environment that each notifier Job has of its own, by the
// Job's name.
func (w *world) notices() map[string]map[string]string {
	found := map[string]map[string]string{}
	for _, job := range w.jobs() {
		if job.Labels[v1alpha1.NotifierLabel] == "" {
			continue
		}
		env := map[string]string{}
		for _, variable := range job.Spec.Template.Spec.Containers[0].Env {
			env[strings.TrimPrefix(variable.Name, "KAYCI_")] = variable.Value
		}
		found[job.Name] = env
	}
	return found
}

func says(phase, message, failed string) map[string]string {
	return map[string]string{"RUN_PHASE": phase, "RUN_MESSAGE": message, "FAILED_JOBS": failed}
}

func (w *world) checkTold(want map[string]map[string]string, status ...v1alpha1.NotifierStatus) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.notices()); diff != "" {
		w.t.Errorf("notifiers' environment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(status, w.run("run").Status.Notifiers, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("notifiers' status (-want +got):\n%s", diff)
	}
}

func made(phase v1alpha1.RunPhase) v1alpha1.NotifierStatus {
	return v1alpha1.NotifierStatus{Name: "chat", Phase: phase, Job: "run-chat-" + strings.ToLower(string(phase))}
}

// unmoved checks that another look at the Run writes nothing.
func (w *world) unmoved() {
	w.t.Helper()
	before := len(w.writes)
	w.mustReconcile("run")
	if extra := w.writes[before:]; len(extra) > 0 {
		w.t.Errorf("one more look wrote %v", extra)
	}
}

// Each notice costs the creation of its Job, and that of the Run's end one more
// change of its status.
func TestNotifiersOfASuccess(t *testing.T) {
	t.Parallel()
	p := telling(chain(2), "Running", "Succeeded", "Failed")
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	for range 20 {
		w.sync()
		w.mustReconcile("run")
		w.mustReconcile("run")
		for _, job := range w.jobs() {
			w.kubelet(&job)
		}
	}
	w.checkTold(map[string]map[string]string{
		"run-chat-running":   says("Running", "0 of 2 jobs succeeded; running: j0", ""),
		"run-chat-succeeded": says("Succeeded", "2 of 2 jobs succeeded", ""),
	}, made("Running"), made("Succeeded"))
	if got, want := len(w.writes)+len(w.events.Events), 2*2+6-3+3; got > want {
		t.Errorf("%d writes, want at most %d:\n%s", got, want, strings.Join(w.writes, "\n"))
	}
	if w.conflicts > 0 || len(w.liveReads) > 0 {
		t.Errorf("%d conflicts, live reads %v; want none", w.conflicts, w.liveReads)
	}
	for _, job := range w.run("run").Status.Jobs {
		if job.Phase != v1alpha1.JobSucceeded {
			t.Errorf("job %+v", job)
		}
	}
}

// The controller dies right after its k-th write, for each k: every notice is
// given once.
func TestNotifiersKilledAnywhere(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		p := telling(diamond(), "Running", "Succeeded")
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.crashAt = crashAt
		return w, w.play()
	}
	calm, want := play(0)
	if calm.created["run-chat-running"] != 1 || calm.created["run-chat-succeeded"] != 1 {
		t.Fatalf("created %v", calm.created)
	}
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		if diff := cmp.Diff(calm.created, w.created); diff != "" {
			t.Errorf("killed after write %d (%s): Jobs (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		w.unmoved()
	}
}

// A Run that ends before it has started anything is told of, with a number and
// with what is known of its parameters.
func TestNotifiersOfARunThatNeverStarted(t *testing.T) {
	t.Parallel()
	cancelled := func(run *v1alpha1.Run) { run.Spec.Cancelled = true }
	for _, tt := range []struct {
		name   string
		change func(*v1alpha1.Run)
		want   map[string]string
		params map[string]string
	}{
		{
			name: "cancelled", change: cancelled, want: says("Cancelled", "cancelled before it started", ""),
			params: map[string]string{"KAYCI_STAGE": "test"},
		},
		{
			name: "invalid parameters", change: func(run *v1alpha1.Run) { run.Spec.Params["stage"] = "canary" },
			want: says("Failed", `params[stage]: Invalid value: must be one of "test", "live"`, ""),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := telling(chain(1), "Running", "Failed", "Cancelled")
			p.Spec.Params = []v1alpha1.Param{{Name: "stage", Enum: []string{"test", "live"}}}
			run := started("run", p)
			run.Spec.Params = map[string]string{"stage": "test"}
			tt.change(run)
			w := newWorld(t, p, revision.New(p, 1), run)
			w.mustReconcile("run")
			phase := v1alpha1.RunPhase(tt.want["RUN_PHASE"])
			w.checkTold(map[string]map[string]string{made(phase).Job: tt.want}, made(phase))
			if got := w.run("run").Status; got.Number != 1 || got.Phase != phase {
				t.Errorf("number %d, phase %s", got.Number, got.Phase)
			}
			var params corev1.ConfigMap
			w.get("web-1-params", &params)
			want := map[string]string{"KAYCI_RUN": "run", "KAYCI_RUN_NUMBER": "1", "KAYCI_PIPELINE": "web", "KAYCI_NAMESPACE": "ci"}
			maps.Copy(want, tt.params)
			if diff := cmp.Diff(want, params.Data); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
			w.unmoved()
		})
	}
}

// The controller died right after it had made the Job, and another Run has come
// since: the Run's number is the one that the Job carries.
func TestNotifierOfANumberThatIsNotRecorded(t *testing.T) {
	t.Parallel()
	p := telling(chain(1), "Cancelled")
	run := started("run", p)
	run.Spec.Cancelled = true
	other := started("other", p)
	other.Status.Number = 6
	w := newWorld(t, p, revision.New(p, 1), run, other)
	left := job.BuildNotifier(w.run("run"), 5, &p.Spec.Notifiers[0], &v1alpha1.RunStatus{Phase: "Cancelled"})
	if err := w.live.Create(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	w.mustReconcile("run")
	if got := w.run("run").Status; got.Number != 5 || len(got.Notifiers) != 1 || got.Notifiers[0].Job != left.Name {
		t.Errorf("number %d, notifiers %+v; want 5, and the Job %s", got.Number, got.Notifiers, left.Name)
	}
}

// The controller died right after it had made the Job, which has failed meanwhile: its
// pod says why.
func TestNotifierThatFailedBeforeItWasRecorded(t *testing.T) {
	t.Parallel()
	p := telling(chain(1), "Cancelled")
	run := started("run", p)
	run.Spec.Cancelled = true
	w := newWorld(t, p, revision.New(p, 1), run)
	left := job.BuildNotifier(w.run("run"), 1, &p.Spec.Notifiers[0], &v1alpha1.RunStatus{Phase: "Cancelled"})
	left.UID = "notifier-uid"
	left.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonBackoffLimitExceeded}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: left.Name + "-x", Labels: left.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(left, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}},
		}}},
	}
	for _, object := range []client.Object{left, pod} {
		if err := w.live.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	w.mustReconcile("run")
	want := v1alpha1.NotifierStatus{Name: "chat", Phase: "Cancelled", Job: left.Name, Reason: "Error", Message: "container main exited with code 3"}
	if diff := cmp.Diff([]v1alpha1.NotifierStatus{want}, w.run("run").Status.Notifiers); diff != "" {
		t.Errorf("notifiers (-want +got):\n%s", diff)
	}
}

// A spec that isn't valid may have notifiers that aren't, and without a revision
// there are none.
func TestNotifiersThatAreNotKnown(t *testing.T) {
	t.Parallel()
	invalid := telling(chain(1), "Failed")
	invalid.Spec.Jobs[0].Needs = []string{"ghost"}
	gone := telling(chain(1), "Failed")
	for name, w := range map[string]*world{
		"invalid spec":  newWorld(t, invalid, revision.New(invalid, 1), started("run", invalid)),
		"revision gone": newWorld(t, gone, started("run", gone)),
	} {
		w.mustReconcile("run")
		if len(w.jobs()) > 0 || w.run("run").Status.Phase != v1alpha1.RunFailed {
			t.Errorf("%s: Run %+v, Jobs %v", name, w.run("run").Status, w.created)
		}
	}
}

// What is in the way of a notifier is shown, and is not in the way of the Run.
func TestNotifiersThatCannotBeMade(t *testing.T) {
	t.Parallel()
	const create = "create *v1.Job run-chat-succeeded"
	resource := schema.GroupResource{Group: "batch", Resource: "jobs"}
	for _, tt := range []struct {
		name    string
		err     error
		reason  string
		requeue time.Duration
	}{
		{name: "refused", err: apierrors.NewForbidden(resource, "run-chat-succeeded", errors.New("policy")), reason: "Rejected"},
		{name: "no room", err: apierrors.NewForbidden(resource, "run-chat-succeeded", errors.New("exceeded quota: jobs")), reason: "QuotaExceeded", requeue: 15 * time.Second},
		{name: "no answer", err: errors.New("connection refused"), reason: "CreateError", requeue: 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := telling(chain(1), "Succeeded")
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.deny[create] = tt.err
			if got := w.play().Status; got.Phase != v1alpha1.RunSucceeded || len(got.Notifiers) != 1 || got.Notifiers[0].Reason != tt.reason {
				t.Fatalf("phase %s, notifiers %+v", got.Phase, got.Notifiers)
			}
			w.event() // the Run's end
			if event := w.event(); !strings.HasPrefix(event, "Warning NotifierFailed notifier chat of the phase Succeeded: "+tt.reason+": ") {
				t.Errorf("event %q", event)
			}
			before := len(w.writes)
			if result := w.mustReconcile("run"); result.RequeueAfter != tt.requeue {
				t.Errorf("looks again after %s, want %s", result.RequeueAfter, tt.requeue)
			}
			if extra := w.writes[before:]; len(extra) > 0 {
				t.Errorf("a second look wrote %v", extra)
			}
			delete(w.deny, create)
			w.restart()
			w.mustReconcile("run")
			if got, want := w.created["run-chat-succeeded"] == 1, tt.requeue > 0; got != want {
				t.Errorf("created later: %t, want %t", got, want)
			}
			w.unmoved()
		})
	}
}

// Retrying ends, and needs no revision that has gone meanwhile.
func TestNotifierGivesUp(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		p := telling(chain(1), "Succeeded")
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.deny["create *v1.Job run-chat-succeeded"] = errors.New("connection refused")
		w.play()
		if gone {
			var rev appsv1.ControllerRevision
			w.get(revision.Name(p), &rev)
			if err := w.live.Delete(t.Context(), &rev); err != nil {
				t.Fatal(err)
			}
		} else {
			w.clock.SetTime(w.clock.Now().Add(10 * time.Minute))
		}
		if result := w.mustReconcile("run"); result.RequeueAfter > 0 {
			t.Errorf("revision gone %t: looks again after %s", gone, result.RequeueAfter)
		}
	}
}

// That a notifier has failed is recorded and told once, and changes nothing.
func TestNotifierFails(t *testing.T) {
	t.Parallel()
	p := telling(chain(1), "Succeeded")
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	before := w.play().Status
	w.event() // the Run's end
	var job batchv1.Job
	w.get("run-chat-succeeded", &job)
	w.kubelet(&job)
	var pod corev1.Pod
	w.get("run-chat-succeeded-pod", &pod)
	pod.Status.Phase = corev1.PodFailed
	pod.Status.ContainerStatuses[0].State.Terminated.ExitCode = 1
	w.updateStatus(&pod)
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded"}}
	w.updateStatus(&job)

	w.mustReconcile("run")
	want := *before.DeepCopy()
	want.Notifiers[0].Reason, want.Notifiers[0].Message = "Error", "container main exited with code 1"
	if diff := cmp.Diff(want, w.run("run").Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if got, want := w.event(), "Warning NotifierFailed notifier chat of the phase Succeeded: Error: container main exited with code 1"; got != want {
		t.Errorf("event %q, want %q", got, want)
	}
	w.unmoved()
	if len(w.events.Events) > 0 {
		t.Errorf("told again: %q", w.event())
	}
	if n := slices.IndexFunc(w.writes, func(s string) bool { return strings.Contains(s, "patch") && strings.Contains(s, "Job") }); n >= 0 {
		t.Errorf("the notifier was touched: %s", w.writes[n])
	}
}

// A Run that waits in the queue is told of when it is known to wait, and one that
// ends there once that is recorded.
func TestNotifiersOfAQueue(t *testing.T) {
	t.Parallel()
	p := telling(bounded(v1alpha1.ConcurrencyReplace, 1), "Queued", "Cancelled")
	w := newWorld(t, p, revision.New(p, 1), started("a", p))
	w.mustReconcile("a")
	for i, name := range []string{"b", "c"} {
		run := started(name, p)
		run.CreationTimestamp = metav1.Time{Time: w.clock.Now().Add(time.Duration(i+1) * time.Second)}
		if err := w.live.Create(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		w.mustReconcile(name)
	}
	w.writes = nil
	w.mustReconcile("b")
	w.wantSeen(map[string]string{"b": `Cancelled Replaced: replaced: run c of key "main" is newer`})
	if diff := cmp.Diff([]string{"patch status *v1alpha1.Run b", "create *v1.Job b-chat-cancelled", "patch status *v1alpha1.Run b"}, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	got := map[string][]v1alpha1.NotifierStatus{}
	for _, name := range []string{"a", "b", "c"} {
		got[name] = w.run(name).Status.Notifiers
	}
	want := map[string][]v1alpha1.NotifierStatus{
		"a": nil,
		"b": {{Name: "chat", Phase: "Queued", Job: "b-chat-queued"}, {Name: "chat", Phase: "Cancelled", Job: "b-chat-cancelled"}},
		"c": {{Name: "chat", Phase: "Queued", Job: "c-chat-queued"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notifiers (-want +got):\n%s", diff)
	}
}
