package run_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
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
		{name: "somebody's webhook", err: apierrors.NewInternalError(errors.New(`failed calling webhook "policy.example.com"`)), want: "Waiting", reason: "CreateError", retries: true},
		{name: "a webhook's own code", err: &apierrors.StatusError{ErrStatus: metav1.Status{Code: 418, Message: "not now"}}, want: "Waiting", reason: "CreateError", retries: true},
		{name: "overload", err: apierrors.NewTooManyRequests("slow down", 1), want: "Waiting", reason: "CreateError", retries: true},
		{name: "timeout", err: apierrors.NewTimeoutError("no answer in time", 1), want: "Waiting", reason: "CreateError", retries: true},
		{name: "away", err: apierrors.NewServiceUnavailable("etcd is away"), want: "Waiting", reason: "CreateError", retries: true},
		{name: "a policy's conflict", err: apierrors.NewConflict(jobResource(), "run-b", errors.New("held")), want: "Waiting", reason: "CreateError", retries: true},
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
			w.clock.SetTime(w.clock.Now().Add(result.RequeueAfter))
			if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
				t.Errorf("phase %s after there was room", final.Status.Phase)
			}
		})
	}
}

// That the API server can't be reached goes back to the queue; what was done is
// kept. So does that a quota was changed at the same moment: a look later it
// wasn't.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b"})
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.deny["create *v1.Job run-a"] = apierrors.NewConflict(corev1.Resource("resourcequotas"), "small", errors.New("modified"))
	if result := w.mustReconcile("run"); result.RequeueAfter != 100*time.Millisecond {
		t.Errorf("another look after %s, want 100ms", result.RequeueAfter)
	}
	w.deny["create *v1.Job run-a"] = errors.New("connection refused")
	if _, err := w.reconcile("run"); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v, want the connection's", err)
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

// While nothing can be created the Run says why, its clocks go on, and it is
// tried again soon at first, and then each 30 seconds.
func TestNothingCanBeCreated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, denied string
		p            *v1alpha1.Pipeline
		by           string
	}{
		{name: "a job's Job", p: chain(1), denied: "*v1.Job run-j0", by: "j0"},
		{name: "the parameters", p: chain(1), denied: "*v1.ConfigMap web-1-params", by: "j0"},
		{name: "a service's Job", p: serving(chain(1)), denied: "*v1.Job run-db", by: "db"},
		{name: "a service's Service", p: serving(chain(1)), denied: "*v1.Service db-run", by: "db"},
		{name: "the workspace's claim", p: sharing(chain(1)), denied: "*v1.PersistentVolumeClaim run-workspace", by: "j0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.p.Spec.PendingTimeout = &metav1.Duration{Duration: 4 * time.Minute}
			w := newWorld(t, tt.p, revision.New(tt.p, 1), started("run", tt.p))
			w.deny["create "+tt.denied] = apierrors.NewInternalError(errors.New(`failed calling webhook "policy.example.com"`))
			var want []time.Duration
			for _, seconds := range []int{1, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 28} {
				want = append(want, time.Duration(seconds)*time.Second)
			}
			if diff := cmp.Diff(want, w.waitsFor(tt.by+": CreateError: ")); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			s := w.run("run").Status
			if s.Phase != v1alpha1.RunFailed || !strings.Contains(s.Conditions[0].Message, "CreateError") {
				t.Errorf("%s: %s", s.Phase, s.Conditions[0].Message)
			}
			if got := s.CompletionTime.Sub(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)); got != 4*time.Minute {
				t.Errorf("ended after %s, want 4m", got)
			}
		})
	}
}

// The Run's own timeout comes in time, too, while a job can't be created.
func TestTimeoutWhileNothingCanBeCreated(t *testing.T) {
	t.Parallel()
	p := pipeline(v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b"})
	p.Spec.Timeout = &metav1.Duration{Duration: 90 * time.Second}
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	w.deny["create *v1.Job run-b"] = apierrors.NewInternalError(errors.New(`failed calling webhook "policy.example.com"`))
	start := w.clock.Now()
	for looks := 0; looks < 100 && w.run("run").Status.CompletionTime == nil; looks++ {
		w.clock.SetTime(w.clock.Now().Add(w.mustReconcile("run").RequeueAfter))
	}
	s := w.run("run").Status
	if s.Conditions[0].Reason != v1alpha1.ReasonTimedOut || s.CompletionTime.Sub(start) != 90*time.Second {
		t.Errorf("%s at %v: %s, want TimedOut after 90s", s.Phase, s.CompletionTime, s.Conditions[0].Message)
	}
}

// waitsFor looks at the Run each time that it asks for until it ends, and returns
// how long those times were. Until then its message has to tell why it waits.
func (w *world) waitsFor(why string) []time.Duration {
	w.t.Helper()
	var waits []time.Duration
	for range 100 {
		after := w.mustReconcile("run").RequeueAfter
		s := w.run("run").Status
		if s.Phase.Finished() {
			break
		}
		if c := s.Conditions[0]; s.Phase != v1alpha1.RunQueued || !strings.Contains(c.Message, why) || !strings.Contains(c.Message, "policy.example.com") {
			w.t.Fatalf("%s: %s, want %q", s.Phase, c.Message, why)
		}
		waits = append(waits, after)
		w.clock.SetTime(w.clock.Now().Add(after))
	}
	return waits
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
		w.mustReconcile("run")
		if diff := cmp.Diff(since(before), since(w.run("run").Status)); diff != "" {
			t.Errorf("%s: the server's error changed since when it waits (-before +after):\n%s", name, diff)
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

// since is when what can't start has begun to wait, by its name.
func since(s v1alpha1.RunStatus) map[string]*metav1.Time {
	waits := map[string]*metav1.Time{}
	for i := range s.Jobs {
		waits[s.Jobs[i].Name] = s.Jobs[i].WaitingSince
	}
	for i := range s.Services {
		waits[s.Services[i].Name] = s.Services[i].WaitingSince
	}
	return waits
}
