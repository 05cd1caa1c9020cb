package keeper_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// asked counts what the API server is asked for.
type asked struct {
	client.Reader

	mu       sync.Mutex
	requests map[string]int
}

func (a *asked) count(verb string, object any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kind := fmt.Sprintf("%T", object)
	a.requests[verb+" "+kind[strings.LastIndexByte(kind, '.')+1:]]++
}

func (a *asked) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	a.count("get", object)
	return a.Reader.Get(ctx, key, object, options...)
}

func (a *asked) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	a.count("list", list)
	return a.Reader.List(ctx, list, options...)
}

// threeJobs is a Run of three jobs that have ended, each of one pod.
func threeJobs(t *testing.T) []client.Object {
	t.Helper()
	all := objects()
	pod, isPod := all[0].(*corev1.Pod)
	job, isJob := all[1].(*batchv1.Job)
	run, isRun := all[2].(*v1alpha1.Run)
	if !isPod || !isJob || !isRun {
		t.Fatal("the objects have changed")
	}
	for _, name := range []string{"build", "push"} {
		labels := map[string]string{v1alpha1.RunLabel: "web-1", v1alpha1.JobLabel: name}
		anotherJob, anotherPod := job.DeepCopy(), pod.DeepCopy()
		anotherJob.ObjectMeta = controlled("web-1-"+name, v1alpha1.RunKind, "web-1", labels)
		anotherPod.ObjectMeta = controlled("web-1-"+name+"-x", "Job", "web-1-"+name, labels)
		run.Status.Jobs = append(run.Status.Jobs, v1alpha1.JobStatus{Name: name, Phase: v1alpha1.JobFailed, Job: anotherJob.Name})
		all = append(all, anotherJob, anotherPod)
	}
	return all
}

// TestRequests: what the store asks the API server for, beside its caches and the logs
// themselves, and what it writes: the Run once. Looking again costs nothing.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, threeJobs(t)...)
	a := &asked{Reader: w.Client, requests: map[string]int{}}
	w.logs.APIReader, w.runs.APIReader = a, a
	for range 2 {
		if _, _, err := w.record(t); err != nil {
			t.Fatal(err)
		}
		for _, job := range []string{"test", "build", "push"} {
			if _, err := w.logs.Reconcile(t.Context(), request("web-1-"+job+"-x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		select {
		case <-w.logs.Ended:
		case <-t.Context().Done():
			t.Fatal("a log doesn't end")
		}
	}
	for range 3 {
		if _, got, err := w.record(t); err != nil || got == nil || got.Reason != v1alpha1.ReasonStored {
			t.Fatalf("the condition is %v, %v", got, err)
		}
	}
	want := map[string]int{
		// Of each pod: what it names, and the Secrets whose values are masked.
		"get Pod": 3, "get Secret": 3,
		// Of the record.
		"get ControllerRevision": 1, "list EventList": 1,
	}
	if diff := cmp.Diff(want, a.requests); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	if w.patches != 1 {
		t.Errorf("the Run was written %d times", w.patches)
	}
}
