package run_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

func jobResource() schema.GroupResource { return batchv1.Resource("jobs") }

func TestRefusedJobs(t *testing.T) {
	t.Parallel()
	const create = "create *v1.Job run-b"
	for _, tt := range []struct {
		name    string
		err     error
		want    v1alpha1.JobPhase
		reason  string
		retries bool
	}{
		{name: "invalid", err: apierrors.NewInvalid(schema.GroupKind{Group: "batch", Kind: "Job"}, "run-b", field.ErrorList{field.Required(field.NewPath("spec"), "")}), want: "Failed", reason: "Rejected"},
		{name: "policy", err: apierrors.NewForbidden(jobResource(), "run-b", errors.New("violates PodSecurity")), want: "Failed", reason: "Rejected"},
		{name: "quota", err: apierrors.NewForbidden(jobResource(), "run-b", errors.New("exceeded quota: small")), want: "Waiting", reason: "QuotaExceeded", retries: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pipeline(v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b"}, v1alpha1.Job{Name: "c", Needs: []string{"b"}})
			w := newWorld(t, p, revision.New(p, 1), started("run", p))
			w.deny[create] = tt.err
			result := w.mustReconcile("run")
			// The pod of job a is looked for after 30 seconds in any case.
			if (result.RequeueAfter < 30*time.Second) != tt.retries {
				t.Errorf("another look after %s, want an early one: %t", result.RequeueAfter, tt.retries)
			}
			got := w.run("run").Status
			if b := got.Jobs[1]; b.Phase != tt.want || b.Reason != tt.reason || !strings.Contains(b.Message, tt.err.Error()) {
				t.Errorf("job b: %+v, want %s %s", b, tt.want, tt.reason)
			}
			if diff := cmp.Diff(map[string]int{"run-a": 1}, w.created); diff != "" {
				t.Errorf("Jobs (-want +got):\n%s", diff)
			}
			if !tt.retries {
				return
			}
			delete(w.deny, create)
			if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
				t.Errorf("phase %s after there was room", final.Status.Phase)
			}
		})
	}
}

// An error that is nobody's fault goes back to the queue; what was done is kept.
func TestServerError(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b"})
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.deny["create *v1.Job run-a"] = apierrors.NewInternalError(errors.New("etcd is away"))
	if _, err := w.reconcile("run"); err == nil || !strings.Contains(err.Error(), "etcd is away") {
		t.Errorf("error %v, want the server's", err)
	}
	if got := w.run("run").Status; got.Number != 1 || got.Jobs[1].Phase != v1alpha1.JobRunning {
		t.Errorf("status %+v, want number 1 and b running", got)
	}
	clear(w.deny)
	if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded || final.Status.Number != 1 {
		t.Errorf("status %+v, want Succeeded and number 1", final.Status)
	}
}

// One job after the other is refused, and each is why the next one is to start.
// No Job and no pod gives a sign, so another look has to be asked for.
func TestRefusedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	jobs := []v1alpha1.Job{{Name: "j0"}}
	for i := 1; i < 6; i++ {
		jobs = append(jobs, v1alpha1.Job{Name: fmt.Sprintf("j%d", i), Needs: []string{fmt.Sprintf("j%d", i-1)}, If: "failure()"})
	}
	p := pipeline(jobs...)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	for i := range jobs {
		name := "run-" + jobs[i].Name
		w.deny["create *v1.Job "+name] = apierrors.NewForbidden(jobResource(), name, errors.New("violates PodSecurity"))
	}
	for again := true; again; {
		again = w.mustReconcile("run").RequeueAfter > 0
	}
	if got := w.run("run").Status; got.Phase != v1alpha1.RunFailed {
		t.Errorf("the Run is %s: %s, and nothing is ever going to happen", got.Phase, got.Conditions[0].Message)
	}
}

// An attempt that fails for no reason of the quota's doesn't mean that there is
// room: the wait goes on, and has its end.
func TestServerErrorWhileThereIsNoRoom(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*v1alpha1.Pipeline{"run-j0": chain(1), "run-db": serving(chain(1))} {
		create := "create *v1.Job " + name
		full := apierrors.NewForbidden(jobResource(), name, errors.New("exceeded quota: small"))
		w := newWorld(t, p, revision.New(p, 1), started("run", p))
		w.deny[create] = full
		w.mustReconcile("run")
		before := w.run("run").Status
		w.clock.SetTime(w.clock.Now().Add(45 * time.Minute))
		w.deny[create] = apierrors.NewInternalError(errors.New("etcd is away"))
		if _, err := w.reconcile("run"); err == nil {
			t.Error("no error, want the server's")
		}
		if diff := cmp.Diff(before, w.run("run").Status); diff != "" {
			t.Errorf("%s: the server's error changed the status (-before +after):\n%s", name, diff)
		}
		w.clock.SetTime(w.clock.Now().Add(20 * time.Minute))
		w.deny[create] = full
		for range 3 {
			w.mustReconcile("run")
		}
		if got := w.run("run").Status; got.Phase != v1alpha1.RunFailed || !strings.Contains(got.Conditions[0].Message, "QuotaExceeded") {
			t.Errorf("%s: the Run is %s: %s", name, got.Phase, got.Conditions[0].Message)
		}
	}
}

func TestNameTakenByAnother(t *testing.T) {
	t.Parallel()
	p := chain(1)
	taken := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "run-j0", UID: "foreign"}}
	predecessor := taken.DeepCopy()
	predecessor.OwnerReferences = []metav1.OwnerReference{{APIVersion: "kayci.dev/v1alpha1", Kind: "Run", Name: "run", UID: "before", Controller: new(true)}}
	for _, tt := range []struct {
		name string
		job  *batchv1.Job
		want v1alpha1.JobPhase
	}{
		{name: "somebody else's", job: taken, want: v1alpha1.JobFailed},
		{name: "of a Run of this name that was deleted", job: predecessor, want: v1alpha1.JobWaiting},
	} {
		for _, cached := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, cached %t", tt.name, cached), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, p, revision.New(p, 1), started("run", p))
				w.sync()
				if err := w.live.Create(t.Context(), tt.job.DeepCopy()); err != nil {
					t.Fatal(err)
				}
				if cached {
					w.sync()
				}
				result := w.mustReconcile("run")
				if got := w.run("run").Status.Jobs[0]; got.Phase != tt.want || got.Reason != "NameConflict" {
					t.Errorf("job %+v, want %s NameConflict", got, tt.want)
				}
				if (result.RequeueAfter > 0) != (tt.want == v1alpha1.JobWaiting) {
					t.Errorf("another look after %s", result.RequeueAfter)
				}
				var untouched batchv1.Job
				w.get("run-j0", &untouched)
				if diff := cmp.Diff(tt.job.Spec, untouched.Spec); diff != "" {
					t.Errorf("the foreign Job was changed:\n%s", diff)
				}
			})
		}
	}
}
