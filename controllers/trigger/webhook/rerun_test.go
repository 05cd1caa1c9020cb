package webhook

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report/state"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// ofCommit is a Run of a push, created at that second.
func ofCommit(name string, created int64, phase v1alpha1.RunPhase, edits ...func(*v1alpha1.Run)) *v1alpha1.Run {
	run := ofPull(name, head, phase)
	run.UID, run.CreationTimestamp = types.UID("uid-of-"+name), metav1.NewTime(time.Unix(created, 0))
	run.Spec.Origin.PullRequest, run.Spec.Origin.Fork = 0, false
	for _, edit := range edits {
		edit(run)
	}
	return run
}

// again is the wish for a Run, or with none for all of the commit.
func again(sender string, run *v1alpha1.Run) *event.Event {
	e := &event.Event{Kind: event.KindRerunAll, Repository: "acme/web", SHA: head, Sender: sender}
	if run != nil {
		e.Kind, e.Check = event.KindRerun, state.ID(run)
	}
	return e
}

// TestRerun: the button retries a Run of this very Trigger, for who may write.
func TestRerun(t *testing.T) {
	const none = "what is to run again is no Run of this Trigger"
	failedRun := ofCommit("a", 1, v1alpha1.RunFailed)
	elsewhere := func(edit func(*v1alpha1.Run)) *v1alpha1.Run { return ofCommit("a", 1, v1alpha1.RunFailed, edit) }
	retried := start.RetryName(failedRun, "d1")
	retry := result{Outcome: created, Run: retried, Reason: "a re-run by mona: it retries Run a"}
	for name, tt := range map[string]struct {
		host  *fakeHost
		runs  []client.Object
		event *event.Event
		want  result
		names []string
	}{
		"a Run":                  {host: writable(nil), runs: objects(failedRun), event: again("mona", failedRun), want: retry, names: []string{"a", retried}},
		"a commit":               {host: writable(nil), runs: objects(failedRun), event: again("mona", nil), want: retry, names: []string{"a", retried}},
		"an older Run":           {host: writable(nil), runs: objects(failedRun, ofCommit("b", 2, v1alpha1.RunSucceeded)), event: again("mona", failedRun), want: retry, names: []string{"a", "b", retried}},
		"by a stranger":          {host: writable(nil), runs: objects(failedRun), event: again("stranger", failedRun), want: result{Outcome: refused, Reason: "a re-run is only for people with write access to acme/web, and stranger has none"}, names: []string{"a"}},
		"while the host is down": {host: &fakeHost{err: errors.New("the git host answers with 502")}, runs: objects(failedRun), event: again("mona", failedRun), want: result{Outcome: failed, Reason: "a re-run by mona: the git host answers with 502", transient: true}, names: []string{"a"}},
		"where nobody is asked":  {runs: objects(failedRun), event: again("mona", failedRun), want: result{Outcome: notMatched, Reason: "the Trigger reports no Run to this git host"}, names: []string{"a"}},
		"of what has succeeded":  {host: writable(nil), runs: objects(ofCommit("a", 1, v1alpha1.RunSucceeded)), event: again("mona", nil), want: result{Outcome: refused, Reason: "Run a has succeeded: there is nothing to retry"}, names: []string{"a"}},
		"of what goes on":        {host: writable(nil), runs: objects(ofCommit("a", 1, v1alpha1.RunRunning)), event: again("mona", failedRun), want: result{Outcome: refused, Reason: "Run a of commit 6113728f27ae has not ended"}, names: []string{"a"}},
		"of what is retried":     {host: writable(nil), runs: objects(failedRun, ofCommit("b", 2, v1alpha1.RunQueued)), event: again("mona", failedRun), want: result{Outcome: refused, Reason: "Run b of commit 6113728f27ae has not ended"}, names: []string{"a", "b"}},
		"of nothing":             {host: writable(nil), event: again("mona", nil), want: result{Outcome: notMatched, Reason: none}},
		"of no name":             {host: writable(nil), runs: objects(failedRun), event: &event.Event{Kind: event.KindRerun, Repository: "acme/web", SHA: head, Sender: "mona"}, want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
		"of another UID":         {host: writable(nil), runs: objects(elsewhere(func(r *v1alpha1.Run) { r.UID = "another" })), event: again("mona", failedRun), want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
		"of another Trigger":     {host: writable(nil), runs: objects(elsewhere(func(r *v1alpha1.Run) { r.Spec.Origin.Trigger = "docs" })), event: again("mona", nil), want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
		"of another Pipeline":    {host: writable(nil), runs: objects(elsewhere(func(r *v1alpha1.Run) { r.Spec.Pipeline = "docs" })), event: again("mona", nil), want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
		"of another commit":      {host: writable(nil), runs: objects(elsewhere(func(r *v1alpha1.Run) { r.Spec.Origin.SHA = next })), event: again("mona", failedRun), want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
		"of another repository":  {host: writable(nil), runs: objects(elsewhere(func(r *v1alpha1.Run) { r.Spec.Origin.Repository = "evil/web" })), event: again("mona", failedRun), want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
		"of a Run by hand":       {host: writable(nil), runs: objects(elsewhere(func(r *v1alpha1.Run) { r.Spec.Origin = nil })), event: again("mona", failedRun), want: result{Outcome: notMatched, Reason: none}, names: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := pullFixture(t, tt.host, tt.runs...)
			tt.want.Trigger = "web-pr"
			if diff := cmp.Diff(tt.want, f.tell(t, "d1", tt.event), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.names, states(f.runs(t))); diff != "" {
				t.Errorf("Runs, -want +got:\n%s", diff)
			}
		})
	}
}

// A delivery that is sent again is one retry, also when that has failed since, and a
// Trigger that is suspended starts none.
func TestRerunTwiceIsOneRun(t *testing.T) {
	run := ofCommit("a", 1, v1alpha1.RunFailed)
	for name, e := range map[string]*event.Event{"a Run": again("mona", run), "a commit": again("mona", nil)} {
		f := pullFixture(t, writable(nil), run.DeepCopy())
		first := f.tell(t, "d1", e)
		var retry v1alpha1.Run
		if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: first.Run}, &retry); err != nil {
			t.Fatal(err)
		}
		retry.Status.Phase = v1alpha1.RunFailed
		if err := f.client.Update(t.Context(), &retry); err != nil {
			t.Fatal(err)
		}
		want := result{Trigger: "web-pr", Outcome: exists, Run: first.Run, Reason: "this delivery has started the Run before"}
		if diff := cmp.Diff(want, f.tell(t, "d1", e), cmp.AllowUnexported(result{})); diff != "" || len(f.runs(t)) != 2 {
			t.Errorf("%s: %d Runs, -want +got:\n%s", name, len(f.runs(t)), diff)
		}
	}
	all := append(objects(pipeline(), run.DeepCopy()), trigger("web-pr", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Suspend = true }))
	f := newFixture(t, setup{objects: all, options: Options{Hosts: fakeHosts{writable(nil)}}})
	if got := f.tell(t, "d1", again("mona", run)); got.Outcome != suspended || len(f.runs(t)) != 1 {
		t.Errorf("suspended: %+v", got)
	}
}

// TestSignedRerun: the button as GitHub tells of it.
func TestSignedRerun(t *testing.T) {
	run := ofCommit("web-push-3f9k2c", 1, v1alpha1.RunFailed, func(r *v1alpha1.Run) {
		r.UID, r.Spec.Origin.Trigger, r.Labels = "6f1a", "web-push", map[string]string{v1alpha1.TriggerLabel: "web-push"}
	})
	f := newFixture(t, setup{
		objects: objects(pipeline(), trigger("web-push", v1alpha1.ProviderGitHub), secret("hook", canary), run),
		options: Options{Hosts: fakeHosts{writable(nil)}},
	})
	f.expect(t, signedGitHub("/hooks/ci", "d1", "check_run", payload(t, "github-check-rerequested")), answered{Status: 201, Delivery: "d1", Results: []result{{
		Trigger: "web-push", Outcome: created, Run: start.RetryName(run, "d1"), Reason: "a re-run by mona: it retries Run web-push-3f9k2c",
	}}})
}
