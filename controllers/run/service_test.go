package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// serving gives the Pipeline a service `db`.
func serving(p *v1alpha1.Pipeline) *v1alpha1.Pipeline {
	db := v1alpha1.Service{Name: "db", Ports: []v1alpha1.ServicePort{{Port: 5432}}}
	db.Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "postgres:18"}}
	p.Spec.Services = []v1alpha1.Service{db}
	return p
}

func TestWritesOfARunWithAService(t *testing.T) {
	t.Parallel()
	p := serving(sharing(chain(2)))
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.repeat(false)
	if got := w.run("run").Status.Phase; got != v1alpha1.RunSucceeded {
		t.Fatalf("phase %s, want Succeeded", got)
	}
	want := []string{
		"create *v1.ConfigMap web-1-params", createClaim, "create *v1.Service db-run", "create *v1.Job run-db", "patch status *v1alpha1.Run run",
		"create *v1.Job run-j0", "patch status *v1alpha1.Run run",
		"create *v1.Job run-j1", "patch status *v1alpha1.Run run",
		"delete *v1.Service db-run", "patch *v1.Job run-db", "patch *v1.Pod run-db-pod", "patch status *v1alpha1.Run run",
	}
	if diff := cmp.Diff(want, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"*v1.Service db-run"}, w.liveReads); diff != "" || w.conflicts > 0 {
		t.Errorf("%d conflicts, live reads (-want +got):\n%s", w.conflicts, diff)
	}
	if diff := cmp.Diff([]v1alpha1.ServiceStatus{{Name: "db", Phase: "Stopped", Job: "run-db"}}, w.run("run").Status.Services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	w.wantServiceStopped()
}

// wantServiceStopped checks that the pod of the service was told to stop, that
// it may keep its log, and that the Service is gone.
func (w *world) wantServiceStopped() {
	w.t.Helper()
	var pod corev1.Pod
	w.get("run-db-pod", &pod)
	if ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) != 1 {
		w.t.Errorf("the pod's deadline is %v, want 1", pod.Spec.ActiveDeadlineSeconds)
	}
	var job batchv1.Job
	w.get("run-db", &job)
	if *job.Spec.BackoffLimit == 0 || *job.Spec.Completions == 0 || willEnd(&job) {
		w.t.Errorf("the service's Job is %+v, want one that outlives its pod, and no end yet, which deletes the pod and its log", job.Spec)
	}
	if names := w.services(); len(names) > 0 {
		w.t.Errorf("Services %v are left", names)
	}
}

func (w *world) services() []string {
	w.t.Helper()
	var list corev1.ServiceList
	if err := w.live.List(w.t.Context(), &list); err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, s := range list.Items {
		names = append(names, s.Name)
	}
	return names
}

func TestKilledAnywhereWithAService(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		p := serving(sharing(chain(2)))
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.crashAt = crashAt
		return w, w.play()
	}
	calm, want := play(0)
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		if diff := cmp.Diff(calm.created, w.created); diff != "" {
			t.Errorf("killed after write %d (%s): Jobs (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		w.wantServiceStopped()
		before := len(w.writes)
		w.mustReconcile("run")
		if extra := w.writes[before:]; len(extra) > 0 {
			t.Errorf("killed after write %d: one more look wrote %v", k, extra)
		}
	}
}

// A service that ends takes the Run with it: its jobs are stopped, and what they
// wrote to their logs stays.
func TestServiceThatDies(t *testing.T) {
	t.Parallel()
	p := serving(chain(2))
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.mustReconcile("run")
	service := w.jobs()[0]
	w.kubelet(&service)
	w.mustReconcile("run")
	w.runPod("run-j0")

	var pod corev1.Pod
	w.get("run-db-pod", &pod)
	pod.Status.Phase = corev1.PodFailed
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}
	w.updateStatus(&pod)
	w.mustReconcile("run")
	if got := w.run("run").Status; got.Phase != v1alpha1.RunRunning || got.Conditions[0].Reason != "ServiceFailed" || got.Services[0].Phase != v1alpha1.ServiceFailed {
		t.Errorf("status %+v, want Running, ServiceFailed", got)
	}
	w.mustReconcile("run")
	w.get("run-j0-pod", &pod)
	if ptr.Deref(pod.Spec.ActiveDeadlineSeconds, 0) != 1 {
		t.Errorf("the job's pod has the deadline %v, want 1", pod.Spec.ActiveDeadlineSeconds)
	}
	pod.Status.Phase, pod.Status.Reason = corev1.PodFailed, "DeadlineExceeded"
	w.updateStatus(&pod)
	w.mustReconcile("run")
	w.mustReconcile("run")

	const why = "service db failed: OOMKilled: container main ran out of memory and was killed; raise its memory limit"
	got := w.run("run").Status
	if c := got.Conditions[0]; got.Phase != v1alpha1.RunFailed || c.Reason != "ServiceFailed" || c.Message != "stopped: "+why+"; 0 of 2 jobs succeeded" {
		t.Errorf("the Run is %s, %s: %s", got.Phase, c.Reason, c.Message)
	}
	want := []string{"Cancelled ServiceFailed stopped while it ran: " + why, "Cancelled ServiceFailed stopped before it started: " + why}
	var jobs []string
	for _, j := range got.Jobs {
		jobs = append(jobs, string(j.Phase)+" "+j.Reason+" "+j.Message)
	}
	if diff := cmp.Diff(want, jobs); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if names := w.services(); len(names) > 0 {
		t.Errorf("Services %v are left", names)
	}
}

// runPod adds the pod of the Job, which runs.
func (w *world) runPod(name string) {
	w.t.Helper()
	jobs := w.jobs()
	i := slices.IndexFunc(jobs, func(job batchv1.Job) bool { return job.Name == name })
	w.kubelet(&jobs[i])
	var pod corev1.Pod
	w.get(name+"-pod", &pod)
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	w.updateStatus(&pod)
}

func TestServiceThatCannotBeMade(t *testing.T) {
	t.Parallel()
	const createService, createJob = "create *v1.Service db-run", "create *v1.Job run-db"
	for _, tt := range []struct {
		name, write string
		err         error
		want        v1alpha1.RunPhase
		reason      string
	}{
		{name: "Service refused", write: createService, err: apierrors.NewForbidden(corev1.Resource("services"), "db-run", errors.New("not here")), want: "Failed", reason: "service db failed: Rejected: "},
		{name: "Job refused", write: createJob, err: apierrors.NewForbidden(jobResource(), "run-db", errors.New("violates PodSecurity")), want: "Failed", reason: "service db failed: Rejected: "},
		{name: "Service quota", write: createService, err: apierrors.NewForbidden(corev1.Resource("services"), "db-run", errors.New("exceeded quota: small")), want: "Queued", reason: "starting services: db; db: QuotaExceeded: "},
		{name: "Job quota", write: createJob, err: apierrors.NewForbidden(jobResource(), "run-db", errors.New("exceeded quota: small")), want: "Queued", reason: "starting services: db; db: QuotaExceeded: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := serving(chain(1))
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.deny[tt.write] = tt.err
			for range 3 {
				if after := w.mustReconcile("run").RequeueAfter; after == 0 {
					break
				}
			}
			if got := w.run("run").Status; got.Phase != tt.want || !strings.Contains(got.Conditions[0].Message, tt.reason) {
				t.Errorf("the Run is %s: %s, want %s: %s", got.Phase, got.Conditions[0].Message, tt.want, tt.reason)
			}
			if len(w.created) > 0 {
				t.Errorf("Jobs %v were created without the service", w.created)
			}
			if tt.want == v1alpha1.RunFailed {
				if names := w.services(); len(names) > 0 {
					t.Errorf("Services %v are left", names)
				}
				return
			}
			delete(w.deny, tt.write)
			w.clock.SetTime(w.clock.Now().Add(15 * time.Second))
			if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
				t.Errorf("phase %s after there was room", final.Status.Phase)
			}
		})
	}
}

// A Run that loses its revision ends at once; its services would run for ever.
// The controller may die in between.
func TestServiceOfARunWithoutItsRevision(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) *world {
		p := serving(chain(1))
		rev := revision.New(p, 1)
		w := newWorld(t, p, rev, started("run", p))
		w.mustReconcile("run")
		service := w.jobs()[0]
		w.kubelet(&service)
		w.mustReconcile("run")
		if err := w.live.Delete(t.Context(), rev.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		w.writes = nil
		w.crashAt = crashAt
		for range 3 {
			if _, err := w.reconcile("run"); errors.Is(err, errCrash) {
				w.restart()
			} else if err != nil {
				t.Fatal(err)
			}
		}
		return w
	}
	for k := range len(play(0).writes) + 1 {
		w := play(k)
		got := w.run("run").Status
		if got.Phase != v1alpha1.RunFailed || got.Conditions[0].Reason != "RevisionNotFound" {
			t.Errorf("killed after write %d: the Run is %s: %+v", k, got.Phase, got.Conditions)
		}
		if diff := cmp.Diff([]v1alpha1.ServiceStatus{{Name: "db", Phase: "Stopped", Job: "run-db"}}, got.Services); diff != "" {
			t.Errorf("killed after write %d: services (-want +got):\n%s", k, diff)
		}
		w.wantServiceStopped()
	}
}

// A service that can't start for too long is stopped, which takes away what
// showed why. The controller may die in between.
func TestServiceThatNeverStarts(t *testing.T) {
	t.Parallel()
	play := func(crashAt int) (*world, v1alpha1.RunStatus) {
		p := serving(chain(1))
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.mustReconcile("run")
		job := w.jobs()[0]
		w.failCreate(&job, "violates PodSecurity")
		w.clock.SetTime(w.clock.Now().Add(time.Minute))
		w.mustReconcile("run")
		w.clock.SetTime(w.clock.Now().Add(2 * time.Hour))
		w.writes = nil
		w.crashAt = crashAt
		for range 5 {
			if _, err := w.reconcile("run"); errors.Is(err, errCrash) {
				w.restart()
			} else if err != nil {
				t.Fatal(err)
			}
		}
		return w, w.run("run").Status
	}
	calm, want := play(0)
	if c := want.Conditions[0]; want.Phase != v1alpha1.RunFailed || c.Reason != "ServiceFailed" || want.Services[0].Phase != v1alpha1.ServiceFailed {
		t.Fatalf("the Run is %s, %s: %s", want.Phase, c.Reason, c.Message)
	}
	for k := range calm.writes {
		w, got := play(k + 1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("killed after write %d: status (-want +got):\n%s", k+1, diff)
		}
		if job := w.jobs()[0]; !willEnd(&job) {
			t.Errorf("killed after write %d: the service may still start", k+1)
		}
		if names := w.services(); len(names) > 0 {
			t.Errorf("killed after write %d: Services %v are left", k+1, names)
		}
	}
}

// A Service that can't be deleted keeps the Run from ending, and nothing else.
func TestServiceThatCannotBeDeleted(t *testing.T) {
	t.Parallel()
	const remove = "delete *v1.Service db-run"
	p := serving(chain(1))
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.deny[remove] = apierrors.NewInternalError(errors.New("etcd is away"))
	for range 4 {
		if _, err := w.reconcile("run"); err != nil && !strings.Contains(err.Error(), "etcd is away") {
			t.Fatal(err)
		}
		for _, job := range w.jobs() {
			w.kubelet(&job)
		}
	}
	before := len(w.writes)
	if _, err := w.reconcile("run"); err == nil {
		t.Error("no error, want the server's")
	}
	if extra := w.writes[before:]; len(extra) > 0 {
		t.Errorf("another look wrote %v", extra)
	}
	if got := w.run("run").Status; got.Phase != v1alpha1.RunRunning || got.Conditions[0].Reason != "StoppingServices" {
		t.Errorf("the Run is %s: %+v, want Running, StoppingServices", got.Phase, got.Conditions)
	}
	clear(w.deny)
	w.mustReconcile("run")
	if got := w.run("run").Status.Phase; got != v1alpha1.RunSucceeded {
		t.Errorf("the Run is %s, want Succeeded", got)
	}
	w.wantServiceStopped()
}
