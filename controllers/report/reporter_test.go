package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// expect compares what was posted, when to look again and how often the API server was
// written to.
func (w *world) expect(when string, after time.Duration, writes int, said ...string) {
	w.t.Helper()
	if got := w.look(); got != after {
		w.t.Errorf("%s: looks again after %s, want %s", when, got, after)
	}
	if diff := cmp.Diff(said, w.host.said()); diff != "" {
		w.t.Errorf("%s: posted (-want +got):\n%s", when, diff)
	}
	if w.writes != writes {
		w.t.Errorf("%s: %d writes, want %d", when, w.writes, writes)
	}
}

func TestRunOfASuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0))
	w.expect("new", 0, 0, "pending: queued")
	w.expect("again", 0, 0)
	w.becomes("a", queued)
	w.expect("soon after", 2*time.Second, 0)
	w.becomes("a", running)
	w.after(1500 * time.Millisecond)
	w.expect("later", 500*time.Millisecond, 0)
	w.after(500 * time.Millisecond)
	w.expect("in time", 0, 0, "pending: 0 of 0 jobs ended")
	w.becomes("a", passed)
	w.expect("at its end", 0, 1, "success: 1 of 1 jobs succeeded")
	w.expect("again", 0, 1)
	if got := w.reported("a"); got != "True Reported: The commit's status kayci/web-push is success" {
		t.Errorf("Reported is %s", got)
	}
	w.restart()
	w.expect("after a restart", 0, 1)
}

// TestLatePending: a process that sees an older state than the host was told says the
// last word once it sees that.
func TestLatePending(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, running))
	w.expect("running", 0, 0, "pending: 0 of 0 jobs ended")
	w.becomes("a", passed)
	ended := w.run("a")
	ended.Status.Conditions = append(ended.Status.Conditions, metav1.Condition{Type: "Reported", Status: "True", Reason: "Reported", LastTransitionTime: metav1.NewTime(noon)})
	if err := w.client.Status().Update(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	w.expect("reported by another", 0, 0, "success: 1 of 1 jobs succeeded")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, running))
	w.expect("at first", 0, 0, "pending: 0 of 0 jobs ended")
	w.restart()
	w.expect("an unfinished Run", 0, 0, "pending: 0 of 0 jobs ended")
	w.becomes("a", failed)
	w.restart()
	w.expect("an end that was missed", 0, 1, "failure: job test failed")
	w.restart()
	w.expect("an end that was told", 0, 1)
}

func TestTwoRunsOfACommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("b", 0, running), run("a", 1, queued))
	w.expect("the newer is what counts", 0, 0, "pending: queued: no job has started")
	w.becomes("a", passed)
	w.expect("and has the last word", 0, 1, "success: 1 of 1 jobs succeeded")
	w.becomes("b", failed)
	w.expect("also where the older ends later", 0, 2)
	w.expect("again", 0, 2)
	if got := w.reported("b"); got != "True Superseded: Run a of the same commit is newer, and is what is reported" {
		t.Errorf("Reported of the older is %s", got)
	}
	if err := w.client.Create(t.Context(), run("c", 2, running)); err != nil {
		t.Fatal(err)
	}
	w.expect("a third", 0, 2, "pending: 0 of 0 jobs ended")
}

// TestRefusals: what the host says stands on the Run, once, and what becomes of the Run
// doesn't depend on it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code        int
		body, retry string
		after       time.Duration
		want        string
		again       bool
	}{
		"a token that isn't known": {401, `{"message":"user does not exist ` + canary + `"}`, "", 10 * time.Second, "False AuthenticationFailed: ", true},
		"a token without a right":  {403, `{"message":"no"}`, "", 10 * time.Second, "False Forbidden: ", true},
		"no such commit":           {404, `{"message":"no"}`, "", 10 * time.Second, "False NotFound: ", true},
		"a page":                   {200, "<html>", "", 10 * time.Second, "False InvalidURL: ", true},
		"what isn't taken":         {422, `{"message":"no"}`, "", 0, "False Refused: ", false},
		"too often":                {429, "", "90", 90 * time.Second, "False RateLimited: ", true},
		"down":                     {500, "", "", time.Second, "False HostUnavailable: ", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, run("a", 0, failed))
			w.host.answer(tt.code, tt.body, tt.retry)
			w.expect("at first", tt.after, 1, "failure: job test failed")
			w.expect("soon after", tt.after, 1)
			got := w.reported("a")
			if !strings.HasPrefix(got, tt.want) || strings.Contains(got, canary) {
				t.Errorf("Reported is %s", got)
			}
			if w.run("a").Status.Phase != v1alpha1.RunFailed {
				t.Error("the Run is another")
			}
			w.host.answer(0, "", "")
			w.after(tt.after)
			if tt.again {
				w.expect("in time", 0, 2, "failure: job test failed")
				return
			}
			w.expect("later", 0, 1)
		})
	}
}

// TestUnfinishedRunIsNotWritten: what the host says of a Run that goes on is tried
// again, and nowhere recorded.
func TestUnfinishedRunIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, queued))
	w.host.answer(401, "", "")
	w.expect("refused", 10*time.Second, 0, "pending: queued: no job has started")
	w.becomes("a", passed)
	w.host.answer(0, "", "")
	w.expect("its end doesn't wait", 0, 1, "success: 1 of 1 jobs succeeded")
}

// TestHostDown: a host that is down is asked less and less, by all Runs of the Trigger
// together.
func TestHostDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, queued))
	w.host.answer(503, "", "")
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		after := time.Duration(seconds) * time.Second
		w.expect("down", after, 0, "pending: queued: no job has started")
		w.expect("meanwhile", after, 0)
		w.after(after)
	}
	w.becomes("a", passed)
	w.host.answer(0, "", "")
	w.expect("up", 0, 1, "success: 1 of 1 jobs succeeded")
}

// TestNobodyActs: what only a person can put right is tried less and less often.
func TestNobodyActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, passed))
	w.host.answer(403, "", "")
	for _, seconds := range []int{10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 20480} {
		after := time.Duration(seconds) * time.Second
		w.expect("refused", after, 1, "success: 1 of 1 jobs succeeded")
		w.after(after)
	}
	w.after(7 * 24 * time.Hour)
	w.expect("at last", 0, 1, "success: 1 of 1 jobs succeeded")
	w.expect("never again", 0, 1)
}

func TestNothingToReport(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		runs   []client.Object
		change func(*v1alpha1.Trigger)
		delete bool
	}{
		"no report":             {runs: []client.Object{run("a", 0, passed)}, change: func(t *v1alpha1.Trigger) { t.Spec.Report = nil }},
		"no trigger":            {runs: []client.Object{run("a", 0, passed)}, delete: true},
		"no Runs":               {},
		"another's Run":         {runs: []client.Object{run("a", 0, passed, func(r *v1alpha1.Run) { r.Spec.Pipeline = "evil" })}},
		"a Run that ended once": {runs: []client.Object{run("a", 0, passed, func(r *v1alpha1.Run) { r.Status.CompletionTime = new(metav1.NewTime(noon.Add(-8 * 24 * time.Hour))) })}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.runs...)
			var trigger v1alpha1.Trigger
			if err := w.client.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web-push"}, &trigger); err != nil {
				t.Fatal(err)
			}
			var err error
			switch {
			case tt.delete:
				err = w.client.Delete(t.Context(), &trigger)
			case tt.change != nil:
				tt.change(&trigger)
				err = w.client.Update(t.Context(), &trigger)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.expect("nothing", 0, 0)
		})
	}
}

// TestDeletedRun: a commit doesn't wait for a Run that is gone.
func TestDeletedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, running))
	w.expect("running", 0, 0, "pending: 0 of 0 jobs ended")
	if err := w.client.Delete(t.Context(), w.run("a")); err != nil {
		t.Fatal(err)
	}
	w.expect("deleted", 0, 0, "error: Run a was deleted before it had ended")
	w.expect("again", 0, 0)
}

func TestSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, run("a", 0, passed))
	var trigger v1alpha1.Trigger
	if err := w.client.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web-push"}, &trigger); err != nil {
		t.Fatal(err)
	}
	trigger.Spec.Report.SecretRef.Name, trigger.Generation = "other", 2
	if err := w.client.Update(t.Context(), &trigger); err != nil {
		t.Fatal(err)
	}
	w.expect("no Secret", 10*time.Second, 1)
	if got := w.reported("a"); got != "False SecretNotUsable: KayCI finds no token of a git host in a Secret other in this namespace" {
		t.Errorf("Reported is %s", got)
	}
	trigger.Spec.Report.SecretRef.Name, trigger.Generation = "token", 3
	if err := w.client.Update(t.Context(), &trigger); err != nil {
		t.Fatal(err)
	}
	w.expect("another one", 0, 2, "success: 1 of 1 jobs succeeded")
}
