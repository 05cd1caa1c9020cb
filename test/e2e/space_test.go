package e2e

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// space is a namespace of one test.
type space struct {
	*cluster.Cluster

	ctx       context.Context //nolint:containedctx // the test's
	namespace string
}

// newSpace creates a namespace with the Secret that webhooks are signed with.
// If the test fails, what explains it is printed.
func newSpace(t *testing.T) *space {
	t.Helper()
	if shared.skip != "" {
		t.Skip(shared.skip)
	}
	s := &space{Cluster: shared.Cluster, ctx: t.Context()}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	if err := s.Client.Create(s.ctx, ns); err != nil {
		t.Fatal(err)
	}
	s.namespace = ns.Name
	t.Logf("namespace %s", s.namespace)
	t.Cleanup(func() {
		// The test's context has ended by now.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), time.Minute)
		defer cancel()
		if t.Failed() {
			s.Diagnose(ctx, t.Output(), s.namespace)
		}
		if err := client.IgnoreNotFound(s.Client.Delete(ctx, ns)); err != nil {
			t.Error(err)
		}
	})
	s.create(t, s.secret("hook", map[string]string{"token": hookToken}))
	return s
}

func (s *space) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: s.namespace, Name: name}
}

func (s *space) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: s.namespace, Name: name}
}

func (s *space) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := s.Client.Create(s.ctx, object); err != nil {
			t.Fatalf("create %s: %v", object.GetName(), err)
		}
	}
}

func (s *space) get(t *testing.T, name string, object client.Object) {
	t.Helper()
	if err := s.Client.Get(s.ctx, s.key(name), object); err != nil {
		t.Fatal(err)
	}
}

// patch changes an object that others may be changing, too.
func patch[T client.Object](t *testing.T, s *space, object T, change func(T)) {
	t.Helper()
	s.get(t, object.GetName(), object)
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		t.Fatalf("%T is no object", object)
	}
	change(object)
	if err := s.Client.Patch(s.ctx, object, client.MergeFrom(before)); err != nil {
		t.Fatalf("patch %s: %v", object.GetName(), err)
	}
}

func (s *space) secret(name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: s.meta(name), StringData: data}
}

const busybox = "docker.io/library/busybox:1.37"

// script is a job that runs a shell script. A shell that is stopped while it
// waits for a command, and has no trap, takes all of the grace period to end.
func script(name, text string, needs ...string) v1alpha1.Job {
	return v1alpha1.Job{Name: name, Needs: needs, Template: batchv1.JobTemplateSpec{
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers:                    []corev1.Container{{Name: "main", Image: busybox, Command: []string{"sh", "-ec", text}}},
			TerminationGracePeriodSeconds: new(int64(3)),
		}}},
	}}
}

func (s *space) pipeline(name string, jobs ...v1alpha1.Job) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{ObjectMeta: s.meta(name), Spec: v1alpha1.PipelineSpec{Jobs: jobs}}
}

func (s *space) trigger(name, pipeline string, provider v1alpha1.Provider) *v1alpha1.Trigger {
	return &v1alpha1.Trigger{ObjectMeta: s.meta(name), Spec: v1alpha1.TriggerSpec{
		Pipeline: pipeline,
		Webhook:  &v1alpha1.Webhook{Provider: provider, SecretRef: meta.LocalObjectReference{Name: "hook"}},
	}}
}

// start creates a Run by hand.
func (s *space) start(t *testing.T, name, pipeline string) *v1alpha1.Run {
	t.Helper()
	run := &v1alpha1.Run{ObjectMeta: s.meta(name), Spec: v1alpha1.RunSpec{Pipeline: pipeline}}
	s.create(t, run)
	return run
}

// awaitEnd returns the Run once it has ended, and fails the test unless it has
// ended in the phase.
func (s *space) awaitEnd(t *testing.T, name string, want v1alpha1.RunPhase) *v1alpha1.Run {
	t.Helper()
	run := &v1alpha1.Run{}
	s.await(t, "Run "+name+" to be "+string(want), func(ctx context.Context) (bool, string, error) {
		if err := s.Client.Get(ctx, s.key(name), run); err != nil {
			return false, "", cluster.Retry(err)
		}
		if phase := run.Status.Phase; phase.Finished() && phase != want {
			return false, "", fmt.Errorf("it is %s: %+v", phase, run.Status)
		}
		return run.Status.Phase == want, fmt.Sprint(run.Status.Phase, phases(run)), nil
	})
	return run
}

// phases of the jobs, as job=Phase or job=Phase/Reason, in the order of the
// Pipeline.
func phases(run *v1alpha1.Run) []string {
	var words []string
	for _, job := range run.Status.Jobs {
		word := job.Name + "=" + string(job.Phase)
		if job.Reason != "" {
			word += "/" + job.Reason
		}
		words = append(words, word)
	}
	return words
}

func (s *space) jobs(t *testing.T, run string) map[string]batchv1.Job {
	t.Helper()
	var list batchv1.JobList
	if err := s.Client.List(s.ctx, &list, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.RunLabel: run}); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]batchv1.Job{}
	for _, job := range list.Items {
		name := job.Labels[v1alpha1.JobLabel]
		if _, twice := jobs[name]; twice {
			t.Errorf("Run %s has two Jobs for %s", run, name)
		}
		jobs[name] = job
	}
	return jobs
}

// pods of a Run, by start.
func (s *space) pods(t *testing.T, run string) []corev1.Pod {
	t.Helper()
	var list corev1.PodList
	if err := s.Client.List(s.ctx, &list, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.RunLabel: run}); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return list.Items
}

// pod returns the one pod of a job.
func (s *space) pod(t *testing.T, run, job string) corev1.Pod {
	t.Helper()
	pods := slices.DeleteFunc(s.pods(t, run), func(pod corev1.Pod) bool { return pod.Labels[v1alpha1.JobLabel] != job })
	if len(pods) != 1 {
		t.Fatalf("job %s of Run %s has %d pods, want one", job, run, len(pods))
	}
	return pods[0]
}

// log of a container of a job's pod.
func (s *space) log(t *testing.T, run, job, container string) string {
	t.Helper()
	return s.podLog(t, s.pod(t, run, job).Name, container)
}

func (s *space) podLog(t *testing.T, pod, container string) string {
	t.Helper()
	stream, err := s.Clientset.CoreV1().Pods(s.namespace).GetLogs(pod, &corev1.PodLogOptions{Container: container}).Stream(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, stream); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// awaitGone waits until no object of a list is left.
func (s *space) awaitGone(t *testing.T, what string, list client.ObjectList, options ...client.ListOption) {
	t.Helper()
	s.await(t, what+" to be gone", func(ctx context.Context) (bool, string, error) {
		names, err := s.names(ctx, list, options...)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		return len(names) == 0, strings.Join(names, ", "), nil
	})
}

// names of the objects in the namespace that a list finds.
func (s *space) names(ctx context.Context, list client.ObjectList, options ...client.ListOption) ([]string, error) {
	if err := s.Client.List(ctx, list, append(options, client.InNamespace(s.namespace))...); err != nil {
		return nil, err
	}
	var names []string
	err := apimeta.EachListItem(list, func(object runtime.Object) error {
		accessor, err := apimeta.Accessor(object)
		if err == nil {
			names = append(names, accessor.GetName())
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

func (s *space) awaitJob(t *testing.T, name, job string, want v1alpha1.JobPhase) {
	t.Helper()
	s.await(t, fmt.Sprintf("job %s of Run %s to be %s", job, name, want), func(ctx context.Context) (bool, string, error) {
		run := &v1alpha1.Run{}
		if err := s.Client.Get(ctx, s.key(name), run); err != nil {
			return false, "", cluster.Retry(err)
		}
		done := slices.ContainsFunc(run.Status.Jobs, func(j v1alpha1.JobStatus) bool { return j.Name == job && j.Phase == want })
		return done, fmt.Sprint(run.Status.Phase, phases(run)), nil
	})
}

// awaitLog waits for a line of a job, whose container needn't have started yet.
func (s *space) awaitLog(t *testing.T, run, job, line string) {
	t.Helper()
	s.await(t, fmt.Sprintf("%q in the log of job %s", line, job), func(ctx context.Context) (bool, string, error) {
		var pods corev1.PodList
		err := s.Client.List(ctx, &pods, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.RunLabel: run, v1alpha1.JobLabel: job})
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		if len(pods.Items) == 0 {
			return false, "there is no pod", nil
		}
		text, err := s.Clientset.CoreV1().Pods(s.namespace).GetLogs(pods.Items[0].Name, &corev1.PodLogOptions{Container: "main"}).DoRaw(ctx)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		return slices.Contains(strings.Split(string(text), "\n"), line), fmt.Sprintf("%q", text), nil
	})
}
