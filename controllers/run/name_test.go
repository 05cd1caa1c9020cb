package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/job"
)

// A predecessor is what a Run of this name has left that was deleted.
func predecessor() []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "kayci.dev/v1alpha1", Kind: "Run", Name: "run", UID: "before", Controller: new(true)}}
}

// A Job whose name another has gets another name, and only then.
func TestNameTakenByAnother(t *testing.T) {
	t.Parallel()
	p := chain(1)
	own := started("run", p)
	taken := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "foreign"}}
	last := taken.DeepCopy()
	last.OwnerReferences = predecessor()
	other := taken.DeepCopy()
	other.Name = job.OtherName(own, "run-j0")
	for _, tt := range []struct {
		name   string
		jobs   []client.Object
		phase  v1alpha1.JobPhase
		reason string
		job    string
		looks  bool
	}{
		{name: "by nobody", phase: "Running", job: "run-j0", looks: true},
		{name: "somebody else's", jobs: []client.Object{taken}, phase: "Running", job: other.Name, looks: true},
		{name: "of a Run of this name that was deleted", jobs: []client.Object{last}, phase: "Waiting", reason: "NameConflict", looks: true},
		{name: "both", jobs: []client.Object{taken, other}, phase: "Failed", reason: "NameConflict"},
	} {
		for _, cached := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, cached %t", tt.name, cached), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, p, revision.New(p, 1), own)
				w.sync()
				for _, obj := range tt.jobs {
					w.create(obj)
				}
				if cached {
					w.sync()
				}
				result := w.mustReconcile("run")
				if got := w.run("run").Status.Jobs[0]; got.Phase != tt.phase || got.Reason != tt.reason || got.Job != tt.job {
					t.Errorf("job %+v, want %s %s with Job %q", got, tt.phase, tt.reason, tt.job)
				}
				if (result.RequeueAfter > 0) != tt.looks {
					t.Errorf("another look after %s", result.RequeueAfter)
				}
				for _, obj := range tt.jobs {
					w.wantUntouched(obj.GetName())
				}
			})
		}
	}
}

// create makes a copy of the object: the fake writes into what it is given.
func (w *world) create(obj client.Object) {
	w.t.Helper()
	copied, _ := obj.DeepCopyObject().(client.Object)
	if err := w.live.Create(w.t.Context(), copied); err != nil {
		w.t.Fatal(err)
	}
}

// wantUntouched checks that a Job that isn't the Run's is as it was.
func (w *world) wantUntouched(name string) {
	w.t.Helper()
	var untouched batchv1.Job
	w.get(name, &untouched)
	if len(untouched.Spec.Template.Spec.Containers) > 0 || untouched.UID == "" {
		w.t.Errorf("the foreign Job was changed: %+v", untouched)
	}
}

// Two Runs want the same names for all that they have, and both come to their end,
// wherever the controller is killed. What was in the way may be gone by then.
func TestKilledAnywhereWithNamesTaken(t *testing.T) {
	t.Parallel()
	// Not the Run's: of Run `a-run` with a service `db` and the like.
	inTheWay := []client.Object{
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "db-run", UID: "s"}},
		&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-db", UID: "d"}},
		&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "j"}},
		&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-chat-succeeded", UID: "n"}},
	}
	p := telling(serving(chain(2)), "Succeeded")
	own := started("run", p)
	other := func(name string) string { return job.OtherName(own, name) }
	play := func(crashAt int) (*world, *v1alpha1.Run) {
		w := newWorld(t, append([]client.Object{p, revision.New(p, 1), own}, inTheWay...)...)
		w.crashAt = crashAt
		return w, w.play()
	}
	calm, want := play(0)
	if want.Status.Phase != v1alpha1.RunSucceeded {
		t.Fatalf("the Run is %s: %s", want.Status.Phase, want.Status.Conditions[0].Message)
	}
	jobs := map[string]int{other("run-db"): 1, other("run-j0"): 1, "run-j1": 1, other("run-chat-succeeded"): 1}
	if diff := cmp.Diff(jobs, calm.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	for k := 1; k <= len(calm.writes); k++ {
		w, got := play(k)
		if diff := cmp.Diff(calm.created, w.created); diff != "" {
			t.Errorf("killed after write %d (%s): Jobs (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("killed after write %d (%s): status (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
		if diff := cmp.Diff([]string{"db-run"}, w.services()); diff != "" {
			t.Errorf("killed after write %d (%s): Services (-want +got):\n%s", k, calm.writes[k-1], diff)
		}
	}
	// The service is found where it is.
	for _, name := range []string{other("run-j0"), "run-j1"} {
		var made batchv1.Job
		calm.get(name, &made)
		address := corev1.EnvVar{Name: "KAYCI_SERVICE_DB", Value: other("db-run") + ".ci.svc:5432"}
		if env := made.Spec.Template.Spec.Containers[0].Env; !slices.Contains(env, address) {
			t.Errorf("Job %s has the variables %v, want %v among them", name, env, address)
		}
	}
}

// A Job under another name was not recorded when the controller was killed, and
// what was in its way is gone: it is still the job's.
func TestOtherNameIsFoundAgain(t *testing.T) {
	t.Parallel()
	p := chain(1)
	foreign := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "foreign"}}
	w := newWorld(t, p, revision.New(p, 1), started("run", p), foreign)
	w.crashAt = 2 // the ConfigMap and the Job
	if _, err := w.reconcile("run"); err == nil {
		t.Fatal("it was not killed")
	}
	if err := w.live.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if got := w.play(); got.Status.Phase != v1alpha1.RunSucceeded || len(w.created) != 1 {
		t.Errorf("the Run is %s, and Jobs %v were made", got.Status.Phase, w.created)
	}
}

// What a deleted Run of the same name has left goes soon: it is waited for.
func TestServiceNameTakenByAPredecessor(t *testing.T) {
	t.Parallel()
	last := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "db-run", UID: "foreign", OwnerReferences: predecessor()}}
	p := serving(chain(1))
	w := newWorld(t, p, revision.New(p, 1), started("run", p), last)
	for range 3 {
		w.mustReconcile("run")
	}
	if got := w.run("run").Status; got.Phase != v1alpha1.RunQueued || !strings.Contains(got.Conditions[0].Message, "NameConflict") {
		t.Errorf("the Run is %s: %s, want Queued, NameConflict", got.Phase, got.Conditions[0].Message)
	}
	if diff := cmp.Diff([]string{"db-run"}, w.services()); diff != "" {
		t.Errorf("Services (-want +got):\n%s", diff)
	}
	if len(w.created) > 0 {
		t.Errorf("Jobs %v were created without the service", w.created)
	}
}
