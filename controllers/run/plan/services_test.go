package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// serving are facts of a Run of one job `a` with a service `db`, which has a Job.
func serving(job jobOption, pods ...[]podOption) *plan.Facts {
	f := facts(spec("a"))
	f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
	withJob(f, "db", func(j *batchv1.Job) {
		j.Labels = map[string]string{v1alpha1.ServiceLabel: "db"}
		if job != nil {
			job(j)
		}
	})
	for _, pod := range pods {
		withPod(f, "db", "db-pod", pod...)
	}
	return f
}

func recordService(f *plan.Facts, phase v1alpha1.ServicePhase, reason, message string) {
	f.Run.Status.Services = []v1alpha1.ServiceStatus{{Name: "db", Phase: phase, Reason: reason, Message: message, Job: "run-db"}}
}

func isReady(p *corev1.Pod) {
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
}

type serviceOutcome struct {
	Phase           v1alpha1.ServicePhase
	Reason, Message string
}

func serviceOf(d plan.Decision) serviceOutcome {
	s := d.Status.Services[0]
	return serviceOutcome{s.Phase, s.Reason, s.Message}
}

// actions are what a decision asks for.
type actions struct {
	Create, Serve, DeleteServices, SpareJobs, CompleteJobs, EndJobs, DeleteJobs []string
	StopPods                                                                    []types.NamespacedName
}

func actionsOf(d plan.Decision) actions {
	return actions{
		Create: d.Create, Serve: d.Serve, DeleteServices: d.DeleteServices, SpareJobs: d.SpareJobs, CompleteJobs: d.CompleteJobs,
		EndJobs: d.EndJobs, DeleteJobs: d.DeleteJobs, StopPods: d.StopPods,
	}
}

// TestServiceStarts asks what a service that has not ended shows, and whether
// the job that waits for it starts.
func TestServiceStarts(t *testing.T) {
	t.Parallel()
	waits := outcome{"Waiting", "AwaitingServices", "the Run's services are not ready yet"}
	starting := serviceOutcome{Phase: "Starting"}
	for _, tt := range []struct {
		name     string
		recorded v1alpha1.ServicePhase
		job      jobOption
		pods     [][]podOption
		want     serviceOutcome
		starts   bool
		message  string
		requeue  time.Duration
	}{
		{name: "no pod yet", want: starting, message: "0 of 1 jobs succeeded; starting services: db", requeue: 20 * time.Second},
		{name: "runs", pods: [][]podOption{{}}, want: starting, message: "0 of 1 jobs succeeded; starting services: db", requeue: time.Hour - 99*time.Second},
		{
			name: "can't pull", pods: [][]podOption{{waiting("ErrImagePull", "not found")}},
			want:    serviceOutcome{"Starting", "ImagePullBackOff", "container main: can't pull image registry.example.com/app:1: not found"},
			message: "0 of 1 jobs succeeded; starting services: db; db: ImagePullBackOff: container main: can't pull image registry.example.com/app:1: not found",
			requeue: time.Hour - 99*time.Second,
		},
		{
			name: "queued", job: suspend,
			want:    serviceOutcome{"Starting", "Suspended", "its Job is suspended: it waits in a queue, or somebody holds it"},
			message: "0 of 1 jobs succeeded; starting services: db; db: Suspended: its Job is suspended: it waits in a queue, or somebody holds it",
		},
		{name: "ready", pods: [][]podOption{{isReady}}, want: serviceOutcome{Phase: "Ready"}, starts: true, message: "0 of 1 jobs succeeded"},
		{name: "was ready", recorded: "Ready", pods: [][]podOption{{}}, want: serviceOutcome{Phase: "Ready"}, starts: true, message: "0 of 1 jobs succeeded"},
		{
			name: "its Job has failed, and the pod's news are on their way", recorded: "Ready", job: backoffLimit(99), pods: [][]podOption{{isReady}},
			want: serviceOutcome{Phase: "Ready"}, starts: true, message: "0 of 1 jobs succeeded", requeue: 10 * time.Second,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, tt.pods...)
			if tt.recorded != "" {
				recordService(f, tt.recorded, "", "")
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, serviceOf(d)); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			want, does := waits, actions{}
			if tt.starts {
				want, does = outcome{Phase: "Waiting"}, actions{Create: []string{"a"}}
			}
			if diff := cmp.Diff(want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(does, actionsOf(d)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if got := d.Status.Conditions[0].Message; d.Status.Phase != v1alpha1.RunRunning || got != tt.message {
				t.Errorf("the Run is %s: %q, want Running: %q", d.Status.Phase, got, tt.message)
			}
			if d.RequeueAfter != tt.requeue {
				t.Errorf("another look after %s, want %s", d.RequeueAfter, tt.requeue)
			}
		})
	}
}

// TestServiceEnds ends a service in every way while its Run is active.
func TestServiceEnds(t *testing.T) {
	t.Parallel()
	const completed = "exited with code 0: a service runs until its Run has ended"
	ready := func(more ...podOption) [][]podOption { return [][]podOption{append([]podOption{isReady}, more...)} }
	for _, tt := range []struct {
		name string
		job  jobOption
		pods [][]podOption
		gone bool
		want serviceOutcome
	}{
		{name: "failed", pods: ready(exit(3, "Error", 90), podPhase(corev1.PodFailed)), want: serviceOutcome{"Failed", "Error", "container main exited with code 3"}},
		{name: "failed, before the pod's phase says so", pods: ready(exit(3, "Error", 90)), want: serviceOutcome{"Failed", "Error", "container main exited with code 3"}},
		{name: "exited with 0", pods: ready(exit(0, "Completed", 90)), want: serviceOutcome{"Failed", "Completed", "container main " + completed}},
		{name: "succeeded", pods: ready(exit(0, "Completed", 90), podPhase(corev1.PodSucceeded)), want: serviceOutcome{"Failed", "Completed", "container main " + completed}},
		{
			name: "evicted by the kubelet", pods: ready(disrupted(90), podPhase(corev1.PodFailed), podReason("Evicted", "The node was low on resource: memory")),
			want: serviceOutcome{"Failed", "Evicted", "The node was low on resource: memory"},
		},
		{name: "evicted", pods: ready(disrupted(90), deleted(90)), want: serviceOutcome{"Failed", "Disrupted", "the pod was told to end: EvictionByEvictionAPI: "}},
		{
			name: "evicted, and ended", pods: ready(disrupted(80), deleted(80), exit(143, "Error", 90), podPhase(corev1.PodFailed)),
			want: serviceOutcome{"Failed", "Disrupted", "the pod was told to end: EvictionByEvictionAPI: "},
		},
		{name: "deleted", pods: ready(deleted(90)), want: serviceOutcome{"Failed", "PodDeleted", "the pod was deleted"}},
		{name: "its own deadline", pods: ready(deadline(60), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", "")), want: serviceOutcome{"Failed", "TimedOut", "stopped after its timeout of 1m"}},
		{name: "no pod is left", job: backoffLimit(99), want: serviceOutcome{"Failed", "PodDeleted", "the pod was deleted before it had ended"}},
		{name: "the pod says nothing", job: backoffLimit(80), pods: ready(), want: serviceOutcome{"Failed", "PodDeleted", "the pod was deleted before it had ended"}},
		{
			name: "complete, and no pod is left", job: verdict(batchv1.JobComplete, "", "", 99),
			want: serviceOutcome{"Failed", "Completed", "its program ended with code 0: a service runs until its Run has ended"},
		},
		{name: "its Job was deleted", gone: true, want: serviceOutcome{"Failed", "JobDeleted", "its Job was deleted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, tt.pods...)
			recordService(f, v1alpha1.ServiceReady, "", "")
			if tt.gone {
				delete(f.Jobs, "db")
				f.Missing = map[string]bool{"db": true}
			}
			f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "a", Phase: "Running", Job: "run-a"}}
			withJob(f, "a")
			withPod(f, "a", "pod")
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, serviceOf(d)); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			if d.Step != plan.Record {
				t.Errorf("stops %v before the failure is recorded: its step is %q", d.StopPods, d.Step)
			}
			condition := d.Status.Conditions[0]
			why := "service db failed: " + tt.want.Reason + ": " + tt.want.Message
			if d.Status.Phase != v1alpha1.RunRunning || condition.Reason != "ServiceFailed" || condition.Message != "stopping a: "+why {
				t.Errorf("the Run is %s, %s: %s", d.Status.Phase, condition.Reason, condition.Message)
			}

			// What is recorded stays, though nothing shows it any more.
			f.Run.Status = *d.Status.DeepCopy()
			delete(f.Jobs, "db")
			f.Missing = nil
			f.Run.Spec.Cancelled = true
			again := plan.Decide(f)
			if diff := cmp.Diff(d.Status, again.Status); diff != "" {
				t.Errorf("deciding again changed the status (-first +second):\n%s", diff)
			}
			if diff := cmp.Diff([]types.NamespacedName{{Namespace: "ci", Name: "pod"}}, again.StopPods); diff != "" {
				t.Errorf("stops (-want +got):\n%s", diff)
			}
		})
	}
}

// A Run that is being cancelled isn't failed by its services.
func TestServiceEndsInACancelledRun(t *testing.T) {
	t.Parallel()
	f := serving(nil, []podOption{exit(1, "Error", 90), podPhase(corev1.PodFailed)})
	recordService(f, v1alpha1.ServiceReady, "", "")
	f.Run.Spec.Cancelled = true
	withJob(f, "a")
	withPod(f, "a", "pod")
	d := plan.Decide(f)
	if diff := cmp.Diff(serviceOutcome{"Stopped", "Error", "container main exited with code 1"}, serviceOf(d)); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	if got := d.Status.Conditions[0].Reason; got != "Cancelling" {
		t.Errorf("reason %s, want Cancelling", got)
	}
}

// A job may fail because of its service. The service is why.
func TestServiceFailsItsJob(t *testing.T) {
	t.Parallel()
	f := serving(nil, []podOption{exit(1, "Error", 90), podPhase(corev1.PodFailed)})
	f.ServicesGone = map[string]bool{"db": true}
	withJob(f, "a", backoffLimit(80))
	withPod(f, "a", "pod", exit(1, "Error", 79), podPhase(corev1.PodFailed))
	first := plan.Decide(f)
	if first.Step != plan.Record || first.Status.Phase.Finished() {
		t.Errorf("does %+v before the failure is recorded, and the Run is %s", actionsOf(first), first.Status.Phase)
	}
	f.Run.Status = first.Status
	d := plan.Decide(f)
	if c := d.Status.Conditions[0]; d.Status.Phase != v1alpha1.RunFailed || c.Reason != "ServiceFailed" || !strings.Contains(c.Message, "service db failed") {
		t.Errorf("the Run is %s, %s: %s", d.Status.Phase, c.Reason, c.Message)
	}
}

// A service that was stopped ends as one that fails does: why the Run has ended
// is recorded before.
func TestServiceOfAFailedRun(t *testing.T) {
	t.Parallel()
	f := serving(nil, []podOption{isReady})
	recordService(f, v1alpha1.ServiceReady, "", "")
	withJob(f, "a", backoffLimit(80))
	withPod(f, "a", "pod", exit(1, "Error", 79), podPhase(corev1.PodFailed))
	first := plan.Decide(f)
	if first.Step != plan.Record || first.Status.Phase.Finished() {
		t.Errorf("does %+v before the job's end is recorded, its step is %q, and the Run is %s", actionsOf(first), first.Step, first.Status.Phase)
	}
	f.Run.Status = first.Status
	want := actions{StopPods: []types.NamespacedName{{Namespace: "ci", Name: "db-pod"}}, DeleteServices: []string{"db"}}
	if diff := cmp.Diff(want, actionsOf(plan.Decide(f))); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}

	// The controller was killed then.
	f.ServicesGone = map[string]bool{"db": true}
	f.Pods["db"] = nil
	withPod(f, "db", "db-pod", deadline(1), exit(143, "Error", 90), podPhase(corev1.PodFailed), podReason("DeadlineExceeded", ""))
	last := plan.Decide(f).Status
	if c := last.Conditions[0]; last.Phase != v1alpha1.RunFailed || c.Reason != "JobFailed" || last.Services[0].Phase != v1alpha1.ServiceStopped {
		t.Errorf("the Run is %s, %s: %s, the service %+v", last.Phase, c.Reason, c.Message, last.Services[0])
	}
}

// TestRetire ends the Run's one job, and asks what becomes of the service.
func TestRetire(t *testing.T) {
	t.Parallel()
	pod := []types.NamespacedName{{Namespace: "ci", Name: "db-pod"}}
	db := []string{"db"}
	for _, tt := range []struct {
		name   string
		job    jobOption
		pods   [][]podOption
		want   actions
		remove []string // when the Run has finished
	}{
		{name: "runs", pods: [][]podOption{{isReady}}, want: actions{StopPods: pod}},
		{name: "is being stopped", pods: [][]podOption{{isReady, deadline(1)}}},
		{name: "has ended, and its Job will", pods: [][]podOption{{podPhase(corev1.PodFailed)}}},
		{name: "is being deleted", pods: [][]podOption{{isReady, deleted(90)}}},
		{name: "on no node", pods: [][]podOption{{unstarted}}, want: actions{EndJobs: db}},
		{name: "no pod yet", want: actions{EndJobs: db}},
		{name: "suspended", job: suspend, remove: db},
		{name: "its Job has failed", job: backoffLimit(80)},
		{name: "elastic, runs", job: elastic, pods: [][]podOption{{isReady}}, want: actions{SpareJobs: db, StopPods: pod}},
		{name: "elastic, is to be stopped", job: spared, pods: [][]podOption{{isReady}}, want: actions{StopPods: pod}},
		{name: "elastic, is being stopped", job: spared, pods: [][]podOption{{isReady, deadline(1)}}},
		{name: "elastic, has ended", job: spared, pods: [][]podOption{{podPhase(corev1.PodFailed)}}, want: actions{CompleteJobs: db}},
		{name: "elastic, has been replaced", job: spared, pods: [][]podOption{{podPhase(corev1.PodFailed)}, {}}, want: actions{CompleteJobs: db}},
		{name: "elastic, wants nothing", job: satisfied, pods: [][]podOption{{podPhase(corev1.PodFailed)}}},
		{name: "elastic, on no node", job: elastic, pods: [][]podOption{{unstarted}}, want: actions{CompleteJobs: db}},
		{name: "elastic, no pod yet", job: elastic, want: actions{CompleteJobs: db}},
		{
			// Kueue does that to a Job that it didn't let in as such.
			name: "elastic, wants nothing, suspended", job: func(j *batchv1.Job) { satisfied(j); suspend(j) },
			pods: [][]podOption{{podPhase(corev1.PodFailed)}}, remove: db,
		},
		{name: "elastic, suspended", job: func(j *batchv1.Job) { elastic(j); suspend(j) }, remove: db},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, tt.pods...)
			recordService(f, v1alpha1.ServiceReady, "", "")
			withJob(f, "a")
			withPod(f, "a", "pod", exit(0, "Completed", 90))
			want := tt.want
			want.DeleteServices = db
			d := plan.Decide(f)
			if diff := cmp.Diff(want, actionsOf(d)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if d.Status.Phase != v1alpha1.RunRunning || d.Status.CompletionTime != nil {
				t.Errorf("the Run is %s before its Services are gone", d.Status.Phase)
			}
		})
		t.Run(tt.name+", later", func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, tt.pods...)
			recordService(f, v1alpha1.ServiceStopped, "", "")
			record(f, "a", v1alpha1.JobSucceeded)
			f.Run.Status.Phase = v1alpha1.RunSucceeded
			want := tt.want
			want.DeleteJobs = tt.remove
			stopped := len(f.Pods["db"]) > 0 && f.Pods["db"][0].Status.Phase == corev1.PodFailed
			if !stopped && !cmp.Equal(want, actions{}) {
				want.DeleteServices = db // It ended by a fault.
			}
			if diff := cmp.Diff(want, actionsOf(plan.Decide(f))); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
		})
	}
}

// Services come before the jobs, and never in a Run that is to end.
func TestServe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		arrange func(*plan.Facts)
		serve   []string
		retire  []string
		want    serviceOutcome
	}{
		{name: "at first", arrange: func(*plan.Facts) {}, serve: []string{"db"}, want: serviceOutcome{Phase: "Starting"}},
		{name: "cancelled", arrange: func(f *plan.Facts) { f.Run.Spec.Cancelled = true }, retire: []string{"db"}, want: serviceOutcome{Phase: "Starting"}},
		{
			name: "no room", arrange: func(f *plan.Facts) {
				f.Deferred = map[string]plan.Refusal{"db": {Reason: "QuotaExceeded", Message: "exceeded quota: small"}}
			},
			want: serviceOutcome{"Starting", "QuotaExceeded", "exceeded quota: small"},
		},
		{
			name: "refused", arrange: func(f *plan.Facts) {
				f.Refused = map[string]plan.Refusal{"db": {Reason: "Rejected", Message: "no such field"}}
			},
			retire: []string{"db"}, want: serviceOutcome{"Failed", "Rejected", "no such field"},
		},
		{
			name: "recorded, and not seen", arrange: func(f *plan.Facts) { recordService(f, v1alpha1.ServiceStarting, "", "") },
			want: serviceOutcome{Phase: "Starting"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			f.Spec.Services = []v1alpha1.Service{{Name: "db"}}
			tt.arrange(f)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.serve, d.Serve); diff != "" {
				t.Errorf("serve (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.retire, d.DeleteServices); diff != "" {
				t.Errorf("retire (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, serviceOf(d)); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			if len(d.Create) > 0 {
				t.Errorf("creates %v before the service is ready", d.Create)
			}
		})
	}
}
