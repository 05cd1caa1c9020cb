package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/start"
)

// failedRun makes a Run called first of jobs a, b and c that has failed at b.
func failedRun(t *testing.T, c client.Client, namespace string) *v1alpha1.Run {
	t.Helper()
	web := graph(namespace, "a", "b: a", "c: b")
	web.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}}
	if err := c.Create(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	pinned, err := revision.Ensure(t.Context(), c, nil, web)
	if err != nil {
		t.Fatal(err)
	}
	first := newRun(namespace, "first")
	first.Labels = map[string]string{v1alpha1.PipelineLabel: web.Name}
	first.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(web, v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind))}
	first.Spec.Revision = pinned
	first.Spec.Params = map[string]string{"git_sha": "8f3c"}
	first.Spec.Origin = &v1alpha1.Origin{SHA: "8f3c"}
	if err := c.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	first.Status = v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, Number: 1, Jobs: []v1alpha1.JobStatus{
		{Name: "a", Phase: v1alpha1.JobSucceeded, Job: "first-a"},
		{Name: "b", Phase: v1alpha1.JobFailed, Job: "first-b"},
		{Name: "c", Phase: v1alpha1.JobSkipped},
	}}
	if err := c.Status().Update(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	return first
}

// An annotation makes a retry, at the price of a Run of what runs again, of the
// annotation's removal and of the event that answers it.
func TestRetryByAnnotation(t *testing.T) {
	t.Parallel()
	person := newClient(t, serverConfig(t))
	namespace := newNamespace(t, person)
	first := failedRun(t, person, namespace)
	cfg := serverConfig(t)
	writes := watchWrites(cfg)
	startManager(t, cfg, namespace, startRuns)
	settle(t, writes)

	annotate := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"kayci.dev/retry":"1"}}}`))
	if err := person.Patch(t.Context(), first.DeepCopy(), annotate); err != nil {
		t.Fatal(err)
	}
	name := start.RetryName(first, "1")
	retry := succeeded(t, person, namespace, name)
	expectRetry(t, first, retry)
	waitEvent(t, person, namespace, name)
	wrote := settle(t, writes)
	if most := 2*2 + 6 + 2; len(wrote) > most {
		t.Errorf("%d writes, at most %d:\n%s", len(wrote), most, strings.Join(wrote, "\n"))
	}
	if err := person.Get(t.Context(), client.ObjectKeyFromObject(first), first); err != nil {
		t.Fatal(err)
	}
	if _, asked := first.Annotations[v1alpha1.RetryAnnotation]; asked {
		t.Error("the annotation is still there")
	}
}

// A Run made by hand names nothing but what it retries. The API server lets the
// controller complete it, before it has a status.
func TestRetryByHand(t *testing.T) {
	t.Parallel()
	person := newClient(t, serverConfig(t))
	namespace := newNamespace(t, person)
	first := failedRun(t, person, namespace)
	startManager(t, serverConfig(t), namespace, startRuns)
	for name, spec := range map[string]string{
		"plain":  `{pipeline: web, retryOf: first}`,
		"given":  `{pipeline: web, retryOf: first, params: {git_sha: 8f3c}, revision: ` + first.Spec.Revision + `}`,
		"partly": `{pipeline: web, retryOf: first, revision: ` + first.Spec.Revision + `}`,
	} {
		run := object(t, "Run", name, spec)
		run.SetNamespace(namespace)
		if err := person.Create(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		expectRetry(t, first, succeeded(t, person, namespace, name))
	}

	none := object(t, "Run", "none", `{pipeline: web, retryOf: first, params: {}}`)
	none.SetNamespace(namespace)
	if err := person.Create(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a Run with other params is refused", func(ctx context.Context) error {
		var found v1alpha1.Run
		if err := person.Get(ctx, client.ObjectKeyFromObject(none), &found); err != nil {
			return err
		}
		if found.Status.Phase != v1alpha1.RunFailed || found.Status.Conditions[0].Reason != v1alpha1.ReasonInvalidRetry {
			return fmt.Errorf("it is %+v", found.Status)
		}
		return nil
	})
}

// succeeded plays the cluster until the Run has succeeded.
func succeeded(t *testing.T, c client.Client, namespace, name string) *v1alpha1.Run {
	t.Helper()
	var found v1alpha1.Run
	eventually(t, "run "+name+" succeeds", func(ctx context.Context) error {
		if err := completeJobs(ctx, c, namespace); err != nil {
			return err
		}
		if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &found); err != nil {
			return err
		}
		if found.Status.Phase != v1alpha1.RunSucceeded {
			return fmt.Errorf("it is %q: %v", found.Status.Phase, found.Status.Jobs)
		}
		return nil
	})
	return &found
}

func expectRetry(t *testing.T, first, retry *v1alpha1.Run) {
	t.Helper()
	want := *first.Spec.DeepCopy()
	want.RetryOf = first.Name
	if diff := cmp.Diff(want, retry.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	reused := first.Status.Jobs[0]
	reused.ReusedFrom = first.Name
	if diff := cmp.Diff(reused, retry.Status.Jobs[0]); diff != "" {
		t.Errorf("reused job (-want +got):\n%s", diff)
	}
	jobs := []string{retry.Status.Jobs[1].Job, retry.Status.Jobs[2].Job}
	if diff := cmp.Diff([]string{retry.Name + "-b", retry.Name + "-c"}, jobs); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}
