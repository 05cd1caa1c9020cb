package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	runcontroller "github.com/kayci/kayci/controllers/run"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/start"
)

// startRuns runs the controllers of Pipelines and Runs.
func startRuns(mgr ctrl.Manager) error {
	runs := &runcontroller.Reconciler{
		Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Recorder: mgr.GetEventRecorder("kayci"), Clock: clock.RealClock{},
		Starter: &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader()},
	}
	if err := runs.SetupWithManager(mgr, controller.Options{}); err != nil {
		return err
	}
	pipelines := &pipeline.Reconciler{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Clock: clock.RealClock{}}
	return pipelines.SetupWithManager(mgr, controller.Options{})
}

// graph is a Pipeline whose jobs are given as "name" or "name: need need".
func graph(namespace string, jobs ...string) *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}}
	for _, line := range jobs {
		name, needs, _ := strings.Cut(line, ":")
		spec := v1alpha1.Job{Name: name, Needs: strings.Fields(needs)}
		spec.Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox:1.37", Command: []string{"true"}}}
		p.Spec.Jobs = append(p.Spec.Jobs, spec)
	}
	return p
}

func newRun(namespace, name string) *v1alpha1.Run {
	return &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.RunSpec{Pipeline: "web"}}
}

// completeJobs plays the Job controller and the kubelet for every Job that has
// no pod yet: its pod has run and ended with 0, and the Job is complete.
func completeJobs(ctx context.Context, c client.Client, namespace string) error {
	var jobs batchv1.JobList
	if err := c.List(ctx, &jobs, client.InNamespace(namespace)); err != nil {
		return err
	}
	for i := range jobs.Items {
		if err := completeJob(ctx, c, &jobs.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

func completeJob(ctx context.Context, c client.Client, owner *batchv1.Job) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: owner.Namespace, Name: owner.Name + "-pod", Labels: owner.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: *owner.Spec.Template.Spec.DeepCopy(),
	}
	pod.Spec.NodeName = "node"
	pod.Spec.AutomountServiceAccountToken = new(false)
	if err := c.Create(ctx, pod); err != nil {
		return client.IgnoreAlreadyExists(err)
	}
	now := metav1.Now()
	pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, &now
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{StartedAt: now, FinishedAt: now},
	}}}
	if err := c.Status().Update(ctx, pod); err != nil {
		return err
	}
	owner.Status = batchv1.JobStatus{
		StartTime: &now, CompletionTime: &now, Succeeded: 1,
		Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: now},
		},
	}
	return c.Status().Update(ctx, owner)
}

// A Run of N jobs costs at most 2N+6 writes, events included: here the Run's
// creation is a person's, and pinning it takes its place. One that goes on for
// more than three seconds, as it may here, costs one more. What is read past the
// cache is the Run itself, each time before Jobs are created, as long as Runs are
// not a minute younger than what their controller first did.
func TestRequestsOfARun(t *testing.T) {
	t.Parallel()
	for name, jobs := range map[string][]string{
		"chain":   {"a", "b: a", "c: b", "d: c", "e: d"},
		"diamond": {"a", "b: a", "c: a", "d: b c", "e: d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			person := newClient(t, serverConfig(t))
			namespace := newNamespace(t, person)
			cfg := serverConfig(t)
			writes := watchWrites(cfg)
			startManager(t, cfg, namespace, startRuns)

			web := graph(namespace, jobs...)
			web.Spec.Retention = &v1alpha1.Retention{MaxCount: ptr.To[int32](1), MinAge: &metav1.Duration{}}
			if err := person.Create(t.Context(), web); err != nil {
				t.Fatal(err)
			}
			finish(t, person, namespace, "first")
			settle(t, writes)
			writes.takeReads()

			finish(t, person, namespace, "second")
			waitDeleted(t, person, namespace, "first")
			waitEvent(t, person, namespace, "second")
			wrote := settle(t, writes)
			expectTimes(t, person, namespace, "second")
			if most := 2*len(jobs) + 6 + 1; len(wrote) > most {
				t.Errorf("%d writes, at most %d:\n%s", len(wrote), most, strings.Join(wrote, "\n"))
			}
			if read := writes.takeReads(); len(read) > len(jobs) {
				t.Errorf("%d reads past the cache, at most %d:\n%s", len(read), len(jobs), strings.Join(read, "\n"))
			}
			if idle := settle(t, writes); len(idle) > 0 {
				t.Errorf("wrote without a reason: %v", idle)
			}
		})
	}
}

// expectTimes checks that the API server has kept the times of the Run's jobs.
func expectTimes(t *testing.T, c client.Client, namespace, name string) {
	t.Helper()
	var run v1alpha1.Run
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &run); err != nil {
		t.Fatal(err)
	}
	for i := range run.Status.Jobs {
		s := &run.Status.Jobs[i]
		if s.QueuedTime == nil || s.ScheduledTime == nil || s.StartTime == nil || s.CompletionTime == nil {
			t.Errorf("job %s was due at %v, got a node at %v, started at %v and ended at %v", s.Name, s.QueuedTime, s.ScheduledTime, s.StartTime, s.CompletionTime)
		}
	}
}

// finish starts a Run and plays the cluster until it has succeeded.
func finish(t *testing.T, c client.Client, namespace, name string) {
	t.Helper()
	finishRun(t, c, namespace, newRun(namespace, name))
}

func finishRun(t *testing.T, c client.Client, namespace string, run *v1alpha1.Run) {
	t.Helper()
	if err := c.Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	succeeded(t, c, namespace, run.Name)
}

// waitDeleted waits until retention has deleted the Run.
func waitDeleted(t *testing.T, c client.Client, namespace, name string) {
	t.Helper()
	eventually(t, "run "+name+" is deleted", func(ctx context.Context) error {
		err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &v1alpha1.Run{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
}

// waitEvent waits for the event that says that the Run has succeeded.
func waitEvent(t *testing.T, c client.Client, namespace, name string) {
	t.Helper()
	eventually(t, "the event of run "+name+" is written", func(ctx context.Context) error {
		var list eventsv1.EventList
		if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return err
		}
		for _, event := range list.Items {
			if event.Regarding.Name == name && event.Reason == "Succeeded" {
				return nil
			}
		}
		return fmt.Errorf("%d events, none says that it succeeded", len(list.Items))
	})
}

// settle returns what was written, once nothing was for a while: an informer's
// echo of the last write has arrived by then.
func settle(t *testing.T, writes *writeLog) []string {
	t.Helper()
	const quiet = 1500 * time.Millisecond // What Runs change of a Pipeline is written a second after the write before.
	var all []string
	last := time.Now()
	eventually(t, "the controller has nothing to write", func(context.Context) error {
		if lines := writes.take(); len(lines) > 0 {
			all, last = append(all, lines...), time.Now()
		}
		if left := quiet - time.Since(last); left > 0 {
			return fmt.Errorf("%s of quiet are missing", left)
		}
		return nil
	})
	return all
}

// Every Job that the builder's golden files show is one that Kubernetes takes.
func TestJobsAreAccepted(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	namespace := newNamespace(t, c)
	inputs, err := filepath.Glob(filepath.Join("..", "..", "controllers", "run", "job", "testdata", "*.job.yaml"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no jobs: %v", err)
	}
	owner := newRun(namespace, "web-3f9k2c")
	if err := c.Create(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	for _, input := range inputs {
		var spec v1alpha1.Job
		readYAML(t, input, &spec)
		var pipeline v1alpha1.PipelineSpec
		whole := strings.TrimSuffix(input, ".job.yaml") + ".pipeline.yaml"
		if _, err := os.Stat(whole); err == nil {
			readYAML(t, whole, &pipeline)
		}
		objects := []client.Object{job.Build(owner, 12, &pipeline, &spec)}
		for i := range pipeline.Services {
			service := &pipeline.Services[i]
			objects = append(objects, job.Service(owner, service), job.BuildService(owner, 12, &pipeline, service))
		}
		if pipeline.Workspace != nil {
			objects = append(objects, job.Workspace(owner, pipeline.Workspace))
		}
		for _, built := range objects {
			if err := c.Create(t.Context(), built, client.DryRunAll); err != nil {
				t.Errorf("%s: %v", input, err)
			}
		}
	}
	params := job.Params(owner, 12, map[string]string{"git_sha": "8f3", "title": "say $(KAYCI_RUN)\n"})
	if err := c.Create(t.Context(), params, client.DryRunAll); err != nil {
		t.Errorf("parameters: %v", err)
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A revision goes through the server unchanged, and can't be changed there.
func TestRevisionIsImmutable(t *testing.T) {
	t.Parallel()
	c := newClient(t, serverConfig(t))
	web := graph(newNamespace(t, c), "a", "b: a")
	if err := c.Create(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	rev := revision.New(web, 1)
	if err := c.Create(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	stored, err := revision.Spec(rev)
	if err != nil {
		t.Fatal(err)
	}
	again := web.DeepCopy()
	again.Spec = stored
	if got, want := revision.Name(again), revision.Name(web); got != want {
		t.Errorf("what is stored has the name %s, want %s", got, want)
	}
	changed := revision.New(graph(web.Namespace, "other"), 1)
	rev.Data = changed.Data
	if err := c.Update(t.Context(), rev); !apierrors.IsInvalid(err) {
		t.Errorf("changing a revision: %v, want Invalid", err)
	}
}
