package run_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
				want := v1alpha1.JobStatus{Name: "j0", Phase: tt.phase, Reason: tt.reason, Job: tt.job}
				w.wantNamed(want, tt.jobs)
				if (result.RequeueAfter > 0) != tt.looks {
					t.Errorf("another look after %s", result.RequeueAfter)
				}
			})
		}
	}
}

// wantNamed checks where the only job stands, and that Jobs of others are as they
// were.
func (w *world) wantNamed(want v1alpha1.JobStatus, others []client.Object) {
	w.t.Helper()
	s := w.run("run").Status
	if got := s.Jobs[0]; got.Phase != want.Phase || got.Reason != want.Reason || got.Job != want.Job {
		w.t.Errorf("job %+v, want %+v", got, want)
	}
	if s.CreatedVersion != "999" {
		w.t.Errorf("it was created as version %s, want 999, whatever was written since", s.CreatedVersion)
	}
	for _, obj := range others {
		w.wantUntouched(obj.GetName())
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

// inTheWay are objects that aren't the Run's, but of Run `a-run` with a service `db`
// and the like.
func inTheWay() []client.Object {
	return []client.Object{
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "db-run", UID: "s"}},
		&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-db", UID: "d"}},
		&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "j"}},
		&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-chat-succeeded", UID: "n"}},
	}
}

// vacate deletes objects, and the pods of Jobs with them.
func (w *world) vacate(objs []client.Object) {
	w.t.Helper()
	for _, obj := range objs {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: obj.GetName() + "-pod"}}
		err := client.IgnoreNotFound(w.live.Delete(w.t.Context(), pod))
		if err := errors.Join(err, w.live.Delete(w.t.Context(), obj)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Two Runs want the same names for all that they have, and both come to their end,
// wherever the controller is killed, though the next one sees nothing of what the
// last one did.
func TestKilledAnywhereWithNamesTaken(t *testing.T) {
	t.Parallel()
	calm := newTakenWorld(t)
	want := calm.play()
	if want.Status.Phase != v1alpha1.RunSucceeded {
		t.Fatalf("the Run is %s: %s", want.Status.Phase, want.Status.Conditions[0].Message)
	}
	other := func(name string) string { return job.OtherName(want, name) }
	jobs := map[string]int{other("run-db"): 1, other("run-j0"): 1, "run-j1": 1, other("run-chat-succeeded"): 1}
	if diff := cmp.Diff(jobs, calm.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	calm.wantFound(other("db-run"))
	eachCrash(t, calm, func(t *testing.T, w *world) {
		t.Helper()
		got := w.play()
		if diff := cmp.Diff(jobs, w.created); diff != "" {
			t.Errorf("Jobs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want.Status, got.Status); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"db-run"}, w.services()); diff != "" {
			t.Errorf("Services (-want +got):\n%s", diff)
		}
		w.wantFound(other("db-run"))
	})
}

// What was in the way may be gone when the next controller begins.
func TestKilledAnywhereAndNamesAreFree(t *testing.T) {
	t.Parallel()
	calm := newTakenWorld(t)
	calm.play()
	eachCrash(t, calm, func(t *testing.T, w *world) {
		t.Helper()
		fallBehind := w.crashed
		w.crashed = func() {
			w.vacate(inTheWay())
			fallBehind()
		}
		var retired string
		w.before = func(write string) {
			if name, is := strings.CutPrefix(write, "delete *v1.Service "); is {
				retired = name
			}
		}
		if got := w.play(); got.Status.Phase != v1alpha1.RunSucceeded {
			t.Errorf("the Run is %s: %s", got.Status.Phase, got.Status.Conditions[0].Message)
		}
		w.wantOneEach("run-db", "run-j0", "run-j1", "run-chat-succeeded")
		if left := w.services(); len(left) > 0 {
			t.Errorf("Services %v are left", left)
		}
		w.wantFound(retired)
	})
}

// newTakenWorld has a Run `run` that finds its names taken.
func newTakenWorld(t *testing.T) *world {
	t.Helper()
	p := telling(serving(chain(2)), "Succeeded")
	return newWorld(t, append(inTheWay(), p, revision.New(p, 1), started("run", p))...)
}

// eachCrash plays in worlds where the controller dies after each of the writes, and
// the next one's cache is behind or not.
func eachCrash(t *testing.T, calm *world, play func(*testing.T, *world)) {
	t.Helper()
	for k := 1; k <= len(calm.writes); k++ {
		for _, behind := range []bool{false, true} {
			t.Run(fmt.Sprintf("after write %d (%s), behind %t", k, calm.writes[k-1], behind), func(t *testing.T) {
				t.Parallel()
				w := newTakenWorld(t)
				w.crashAt = k
				w.crashed = w.fallBehind(behind)
				play(t, w)
			})
		}
	}
}

// fallBehind returns what lets the cache show what there is now, for one look.
func (w *world) fallBehind(behind bool) func() {
	w.t.Helper()
	if !behind {
		return func() {}
	}
	w.sync()
	old := w.cache
	w.cache = nil
	return func() { w.behind, w.cache = true, old }
}

// wantOneEach checks that one Job was made for each of what has these names, or
// others instead.
func (w *world) wantOneEach(names ...string) {
	w.t.Helper()
	made := 0
	for _, name := range names {
		n := w.created[name] + w.created[job.OtherName(w.run("run"), name)]
		if made += n; n != 1 {
			w.t.Errorf("of %s %d were made: %v", name, n, w.created)
		}
	}
	if made != len(w.created) {
		w.t.Errorf("Jobs %v were made", w.created)
	}
}

// wantFound checks that all jobs look for the service where it is.
func (w *world) wantFound(service string) {
	w.t.Helper()
	address := corev1.EnvVar{Name: "KAYCI_SERVICE_DB", Value: service + ".ci.svc:5432"}
	for _, made := range w.jobs() {
		if made.Labels[v1alpha1.JobLabel]+made.Labels[v1alpha1.ServiceLabel] == "" {
			continue
		}
		if env := made.Spec.Template.Spec.Containers[0].Env; !slices.Contains(env, address) {
			w.t.Errorf("Job %s has the variables %v, want %v among them", made.Name, env, address)
		}
	}
}

// The name of a job's Job is taken, and free when a controller goes on that doesn't
// know how far it came: the answer was lost, or it was another process. It may see
// nothing of that. One Job is made, under whichever name.
func TestOneJobWhateverItsName(t *testing.T) {
	t.Parallel()
	p := chain(1)
	foreign := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "foreign"}}
	play := func(t *testing.T, at int, write string, dies, behind bool) {
		t.Helper()
		w := newWorld(t, p, revision.New(p, 1), started("run", p), foreign)
		fallBehind := w.fallBehind(behind)
		w.crashAt = at
		if _, err := w.reconcile("run"); err == nil || w.writes[at-1] != write {
			t.Fatalf("it was not killed after %s, but after %v: %v", write, w.writes, err)
		}
		if made := w.created[job.OtherName(w.run("run"), "run-j0")]; len(w.created) != made || (made == 1) != (at >= 4) {
			t.Fatalf("Jobs %v were made", w.created)
		}
		w.vacate([]client.Object{foreign})
		w.clock.SetTime(w.clock.Now().Add(10 * time.Second)) // What is remembered is forgotten.
		fallBehind()
		if w.crashAt = 0; dies {
			w.restart()
		}
		if got := w.play(); got.Status.Phase != v1alpha1.RunSucceeded {
			t.Errorf("the Run is %s", got.Status.Phase)
		}
		w.wantOneEach("run-j0")
	}
	for i, write := range []string{
		"create *v1.ConfigMap web-1-params", "create *v1.Job run-j0", "patch status *v1alpha1.Run run",
		"create *v1.Job " + job.OtherName(started("run", p), "run-j0"), "patch status *v1alpha1.Run run",
	} {
		for k := range 4 {
			dies, behind := k%2 == 0, k < 2
			t.Run(fmt.Sprintf("%d %s, dies %t, behind %t", i+1, write, dies, behind), func(t *testing.T) {
				t.Parallel()
				play(t, i+1, write, dies, behind)
			})
		}
	}
}

// Only a Run that another process may have had to do with is read anew.
func TestNamesAreConfirmedOfOlderRunsAlone(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("before", p))
	w.restart()
	w.mustReconcile("before")
	w.clock.SetTime(w.clock.Now().Add(2 * time.Minute))
	after := started("after", p)
	after.CreationTimestamp = metav1.NewTime(w.clock.Now())
	w.create(after)
	w.mustReconcile("after")
	if diff := cmp.Diff(map[string]int{"before-j0": 1, "after-j0": 1}, w.created); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"*v1alpha1.Run before"}, w.liveReads); diff != "" {
		t.Errorf("live reads (-want +got):\n%s", diff)
	}
}

// As long as one service's Service can't be had, no service is started: it would be
// told another's address for good. What is told stays, whatever becomes of the Job.
func TestServicesOfWhichOneIsTakenAndDeferred(t *testing.T) {
	t.Parallel()
	p := serving(pipeline(v1alpha1.Job{Name: "j0"}, v1alpha1.Job{Name: "last", Finally: true}))
	app := *p.Spec.Services[0].DeepCopy()
	app.Name = "app"
	p.Spec.Services = append([]v1alpha1.Service{app}, p.Spec.Services...)
	foreign := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "db-run", UID: "s"}}
	own := started("run", p)
	w := newWorld(t, p, revision.New(p, 1), own, foreign)
	w.deny["create *v1.Service "+job.OtherName(own, "db-run")] = apierrors.NewInternalError(errors.New("a webhook failed"))
	w.mustReconcile("run")
	if len(w.created) > 0 {
		t.Errorf("Jobs %v were made without the Service", w.created)
	}
	for _, s := range w.run("run").Status.Services {
		if s.Reason != "CreateError" || s.WaitingSince == nil {
			t.Errorf("service %+v, want CreateError", s)
		}
	}
	clear(w.deny)
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.mustReconcile("run")
	w.wantOneEach("run-app", "run-db")
	w.wantFound(job.OtherName(own, "db-run"))
	w.vacate([]client.Object{&batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-db"}}})
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	if got := w.play(); got.Status.Phase != v1alpha1.RunFailed || w.created["run-last"] != 1 {
		t.Errorf("the Run is %s, and Jobs %v were made", got.Status.Phase, w.created)
	}
	w.wantFound(job.OtherName(own, "db-run"))
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
