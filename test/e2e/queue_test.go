package e2e

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

const (
	// kueueLabel is of the namespaces that Kueue may see: the other tests have
	// nothing to do with it.
	kueueLabel = "kayci.dev/e2e-kueue"
	queueName  = "ci"
	flavorName = "e2e"
	// oneJob is what a queue has room for, and what a queued job asks for.
	oneJob = "20m"
)

func kueueNamespaces() map[string]string { return map[string]string{kueueLabel: "true"} }

func kueueKind(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "kueue.x-k8s.io", Version: "v1beta2", Kind: kind}
}

// object is one of Kueue's. Its Go types are a module that KayCI doesn't use.
func object(kind string, meta metav1.ObjectMeta, fields map[string]any) *unstructured.Unstructured {
	if fields == nil {
		fields = map[string]any{}
	}
	u := &unstructured.Unstructured{Object: fields}
	u.SetGroupVersionKind(kueueKind(kind))
	u.SetNamespace(meta.Namespace)
	u.SetName(meta.Name)
	return u
}

func flavor() *unstructured.Unstructured {
	return object("ResourceFlavor", metav1.ObjectMeta{Name: flavorName}, nil)
}

func installKueue(ctx context.Context) error {
	if err := shared.InstallKueue(ctx, kueueNamespaces()); err != nil {
		return err
	}
	err := shared.Client.Create(ctx, flavor())
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func removeKueue(ctx context.Context) error {
	if err := deleteAndAwait(ctx, flavor()); err != nil {
		return err
	}
	return shared.UninstallKueue(ctx, kueueNamespaces())
}

// deleteAndAwait deletes an object and returns when Kueue has let go of it.
func deleteAndAwait(ctx context.Context, u *unstructured.Unstructured) error {
	if err := shared.Client.Delete(ctx, u); err != nil {
		if apimeta.IsNoMatchError(err) {
			return nil
		}
		return client.IgnoreNotFound(err)
	}
	what := u.GetKind() + " " + u.GetName() + " to be gone"
	return cluster.NewProgress(io.Discard).Wait(ctx, what, 90*time.Second, func(ctx context.Context) (bool, string, error) {
		err := shared.Client.Get(ctx, client.ObjectKeyFromObject(u), u)
		switch {
		case apierrors.IsNotFound(err):
			return true, "", nil
		case err != nil:
			return false, "", cluster.Retry(err)
		}
		return false, fmt.Sprint(u.Object["status"]), nil
	})
}

// newQueue is a namespace with a queue.
func newQueue(t *testing.T) *space {
	t.Helper()
	var s *space
	// After the namespace's own cleanup, which shows what it holds if the test has
	// failed.
	t.Cleanup(func() {
		if s != nil {
			s.removeQueue(t)
		}
	})
	s = newSpace(t)
	patch(t, &space{Cluster: s.Cluster, ctx: s.ctx}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}, func(ns *corev1.Namespace) {
		metav1.SetMetaDataLabel(&ns.ObjectMeta, kueueLabel, "true")
	})
	s.create(t,
		object("ClusterQueue", metav1.ObjectMeta{Name: s.namespace}, map[string]any{"spec": map[string]any{
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{corev1.LabelMetadataName: s.namespace}},
			"preemption":        map[string]any{"withinClusterQueue": "LowerPriority"},
			"resourceGroups": []any{map[string]any{
				"coveredResources": []any{"cpu"},
				"flavors": []any{map[string]any{
					"name": flavorName, "resources": []any{map[string]any{"name": "cpu", "nominalQuota": oneJob}},
				}},
			}},
		}}),
		object("LocalQueue", s.meta(queueName), map[string]any{"spec": map[string]any{"clusterQueue": s.namespace}}),
	)
	return s
}

func (s *space) removeQueue(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 4*time.Minute)
	defer cancel()
	if t.Failed() {
		for _, args := range [][]string{
			{"get", "workloads", "--namespace=" + s.namespace, "--output=yaml"},
			{"get", "clusterqueue", s.namespace, "--output=yaml"},
			{"logs", "--namespace=kueue-system", "--selector=app.kubernetes.io/name=kueue", "--tail=300"},
		} {
			text, err := s.Kubectl(ctx, args...)
			fmt.Fprintf(t.Output(), "--- kubectl %s\n%s%v\n", strings.Join(args, " "), text, err)
		}
	}
	if err := s.DeleteNamespace(ctx, s.namespace); err != nil {
		t.Error(err)
	}
	if err := deleteAndAwait(ctx, object("ClusterQueue", metav1.ObjectMeta{Name: s.namespace}, nil)); err != nil {
		t.Error(err)
	}
}

// queued is the job with the label that makes it wait in the test's queue. It
// asks for all that the queue has.
func queued(job v1alpha1.Job) v1alpha1.Job {
	job.Template.Labels = map[string]string{"kueue.x-k8s.io/queue-name": queueName}
	return pod(job, func(p *corev1.PodSpec) {
		p.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(oneJob)}
	})
}

// polite waits at the gate `build`, and ends with 0 if it is told to stop.
func (s *space) polite() v1alpha1.Job {
	return script("build", "trap 'exit 0' TERM\n("+s.through("build")+") & wait $!")
}

func (s *space) cancel(t *testing.T, name string) {
	t.Helper()
	patch(t, s, &v1alpha1.Run{ObjectMeta: s.meta(name)}, func(run *v1alpha1.Run) { run.Spec.Cancelled = true })
}

// workload is what Kueue knows of a Job.
type workload struct {
	metav1.ObjectMeta `json:"metadata"`

	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

func (s *space) workloads(ctx context.Context) ([]workload, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kueueKind("WorkloadList"))
	if err := s.Client.List(ctx, list, client.InNamespace(s.namespace)); err != nil {
		return nil, err
	}
	found := make([]workload, len(list.Items))
	for i := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *space) awaitWorkloads(t *testing.T, want int) {
	t.Helper()
	s.await(t, fmt.Sprintf("%d Workloads", want), func(ctx context.Context) (bool, string, error) {
		found, err := s.workloads(ctx)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		return len(found) == want, fmt.Sprint(len(found)), nil
	})
}

// finished says how the Workloads have ended, in order.
func (s *space) finished(t *testing.T) []string {
	t.Helper()
	found, err := s.workloads(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for i := range found {
		reason := "not finished"
		if c := apimeta.FindStatusCondition(found[i].Status.Conditions, "Finished"); c != nil {
			reason = c.Reason
		}
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	return reasons
}

// setActive has Kueue evict the one Job of a Run, or queue it again.
func (s *space) setActive(t *testing.T, run string, active bool) {
	t.Helper()
	found, err := s.workloads(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for uid := range s.jobUIDs(t, run) {
		for i := range found {
			if owner := metav1.GetControllerOf(&found[i]); owner != nil && string(owner.UID) == uid {
				patch(t, s, object("Workload", s.meta(found[i].Name), nil), func(u *unstructured.Unstructured) {
					if err := unstructured.SetNestedField(u.Object, active, "spec", "active"); err != nil {
						t.Fatal(err)
					}
				})
				return
			}
		}
	}
	t.Fatalf("Run %s has no Workload", run)
}

func (s *space) jobUIDs(t *testing.T, run string) map[string]bool {
	t.Helper()
	uids := map[string]bool{}
	for _, job := range s.jobs(t, run) {
		uids[string(job.UID)] = true
	}
	return uids
}

// usage is what Kueue says of the test's queue.
type usage struct {
	Pending, Reserving int64
	// Used is how much CPU the Jobs have that were let in.
	Used string
}

func (s *space) awaitUsage(t *testing.T, want usage) {
	t.Helper()
	var queue struct {
		Status struct {
			Pending      int64 `json:"pendingWorkloads"`
			Reserving    int64 `json:"reservingWorkloads"`
			FlavorsUsage []struct {
				Resources []struct {
					Total string `json:"total"`
				} `json:"resources"`
			} `json:"flavorsUsage"`
		} `json:"status"`
	}
	s.await(t, fmt.Sprintf("the queue's %+v", want), func(ctx context.Context) (bool, string, error) {
		u := object("ClusterQueue", metav1.ObjectMeta{Name: s.namespace}, nil)
		if err := s.Client.Get(ctx, client.ObjectKeyFromObject(u), u); err != nil {
			return false, "", cluster.Retry(err)
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &queue); err != nil {
			return false, "", err
		}
		got := usage{Pending: queue.Status.Pending, Reserving: queue.Status.Reserving}
		for _, f := range queue.Status.FlavorsUsage {
			for _, r := range f.Resources {
				got.Used += r.Total
			}
		}
		return got == want, fmt.Sprintf("%+v", got), nil
	})
}

// expectNoFailure waits until the Run has succeeded, and checks that it took
// nothing for a failure or a disruption.
func (s *space) expectNoFailure(t *testing.T, name string, want ...string) {
	t.Helper()
	run := s.awaitEnd(t, name, v1alpha1.RunSucceeded)
	if diff := cmp.Diff(want, phases(run)); diff != "" {
		t.Errorf("jobs of Run %s (-want +got):\n%s", name, diff)
	}
	for _, job := range run.Status.Jobs {
		if job.Disruptions != 0 {
			t.Errorf("job %s of Run %s: %d disruptions, want none", job.Name, name, job.Disruptions)
		}
	}
}
