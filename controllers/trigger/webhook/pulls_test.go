package webhook

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
)

const next = "2f18b9d4c07a5e6688aa10b3c4d5e6f708192a3b"

// fakeHost is a git host with one pull request.
type fakeHost struct {
	githost.Host
	writers map[string]bool
	head    *event.Event
	err     error
}

func (h *fakeHost) MayWrite(ctx context.Context, repository, user string) (bool, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return false, errors.New("it may take for ever")
	}
	return h.writers[repository+" "+user], h.err
}

func (h *fakeHost) PullRequest(context.Context, string, int64) (*event.Event, error) {
	return h.head, h.err
}

// fakeHosts is one host for all Triggers.
type fakeHosts struct{ *fakeHost }

func (h fakeHosts) Asks(*v1alpha1.Trigger) bool { return h.fakeHost != nil }

func (h fakeHosts) Open(context.Context, *v1alpha1.Trigger) (githost.Host, error) {
	return h.fakeHost, nil
}

func onPulls(s *v1alpha1.TriggerSpec) {
	s.Webhook.Events = []v1alpha1.EventKind{v1alpha1.EventPullRequest}
}

// pullEvent is of pull request 7, whose head is a fork's.
func pullEvent(action v1alpha1.EventAction, edits ...func(*event.Event)) *event.Event {
	e := &event.Event{
		Kind: v1alpha1.EventPullRequest, Action: action, Repository: "acme/web", SHA: head, Ref: "refs/pull/7/head", Sender: "stranger", Title: "Fix",
		PullRequest: event.PullRequest{Number: 7, Title: "Fix", Author: "stranger", Base: "main", HeadRepository: "stranger/web", Fork: true},
	}
	for _, edit := range edits {
		edit(e)
	}
	return e
}

func ofNoFork(e *event.Event) { e.PullRequest.Fork, e.PullRequest.HeadRepository = false, "acme/web" }

func atNext(e *event.Event) { e.SHA = next }

func labelOf(label string) func(*event.Event) {
	return func(e *event.Event) { e.Label, e.Sender = label, "mona" }
}

// commentBy is a comment on pull request 7 that doesn't say where its head is.
func commentBy(author, command string, args ...string) *event.Event {
	return pullEvent(v1alpha1.ActionCreated, func(e *event.Event) {
		e.Kind, e.SHA, e.Sender = v1alpha1.EventComment, "", author
		e.Comment = event.Comment{Author: author, Command: command, Args: args}
	})
}

func (f *fixture) tell(t testing.TB, id string, e *event.Event) result {
	t.Helper()
	d := delivery{provider: v1alpha1.ProviderGitHub, id: id, digest: "sha256:" + id, event: e, body: &document{raw: []byte("{}"), weight: 1, memory: f.memory}, asks: f.newInquiry()}
	return f.deliver(t.Context(), f.trigger(t, "web-pr"), d, false)
}

func (f *fixture) held(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, h := range f.trigger(t, "web-pr").Status.Held {
		all = append(all, h.Repository+" "+h.SHA+" by "+h.Author)
	}
	return all
}

// ofPull is a Run of pull request 7.
func ofPull(name, sha string, phase v1alpha1.RunPhase) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: "uid-of-run", Labels: map[string]string{v1alpha1.TriggerLabel: "web-pr"}},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: "web-1",
			Origin: &v1alpha1.Origin{Trigger: "web-pr", Repository: "acme/web", PullRequest: 7, SHA: sha, Delivery: "of-" + name, Fork: true},
		},
		Status: v1alpha1.RunStatus{Phase: phase},
	}
}

func pullFixture(t testing.TB, host *fakeHost, more ...client.Object) *fixture {
	t.Helper()
	all := append(objects(pipeline(), trigger("web-pr", v1alpha1.ProviderGitHub, onPulls)), more...)
	return newFixture(t, setup{objects: all, options: Options{Hosts: fakeHosts{host}}})
}

func writable(e *event.Event) *fakeHost {
	return &fakeHost{writers: map[string]bool{"acme/web mona": true}, head: e}
}

var letInRun = start.RunName("web-pr", letInBy(pullEvent("")))

func TestForksAreHeldUntilTheyAreLetIn(t *testing.T) {
	f := pullFixture(t, writable(pullEvent("")))
	opened := result{Trigger: "web-pr", Outcome: onHold, Reason: "commit 6113728f27ae is of a fork: it waits for the label ok-to-test or the comment /ok-to-test 6113728f27ae82c7b1a177c8d03f9e96e0adf246 by someone with write access"}
	in := result{Trigger: "web-pr", Outcome: created, Run: letInRun, Reason: "/ok-to-test by mona, pull request 7 (opened)"}
	again := result{Trigger: "web-pr", Outcome: exists, Run: letInRun, Reason: "this delivery has started the Run before"}
	known := result{Trigger: "web-pr", Outcome: exists, Run: letInRun, Reason: "commit 6113728f27ae is of a fork, which was let in"}
	anew := result{Trigger: "web-pr", Outcome: onHold, Reason: "commit 2f18b9d4c07a is of a fork: it waits for the label ok-to-test or the comment /ok-to-test 2f18b9d4c07a5e6688aa10b3c4d5e6f708192a3b by someone with write access"}
	steps := []struct {
		id    string
		event *event.Event
		want  result
		held  []string
	}{
		{"d1", pullEvent(v1alpha1.ActionOpened), opened, []string{"acme/web " + head + " by stranger"}},
		{"d1", pullEvent(v1alpha1.ActionOpened), opened, []string{"acme/web " + head + " by stranger"}},
		{"d2", commentBy("mona", "ok-to-test", head[:7]), in, nil},
		{"d2", commentBy("mona", "ok-to-test", head[:7]), again, nil},
		{"d3", pullEvent(v1alpha1.ActionLabeled, labelOf("ok-to-test")), again, nil},
		{"d1", pullEvent(v1alpha1.ActionOpened), known, nil},
		{"d4", pullEvent(v1alpha1.ActionReopened), known, nil},
		{"d5", pullEvent(v1alpha1.ActionUpdated, atNext), anew, []string{"acme/web " + next + " by stranger"}},
		{"d6", pullEvent(v1alpha1.ActionClosed, atNext), result{Trigger: "web-pr", Outcome: cancelled, Reason: "Run " + letInRun + " of pull request 7 is cancelled"}, nil},
	}
	for _, step := range steps {
		got := f.tell(t, step.id, step.event)
		if diff := cmp.Diff(step.want, got, cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("%s, -want +got:\n%s", step.id, diff)
		}
		if diff := cmp.Diff(step.held, f.held(t)); diff != "" {
			t.Errorf("%s: held, -want +got:\n%s", step.id, diff)
		}
	}
	runs := f.runs(t)
	if len(runs) != 1 {
		t.Fatalf("there are %d Runs", len(runs))
	}
	want := &v1alpha1.Origin{
		Trigger: "web-pr", Provider: v1alpha1.ProviderGitHub, Delivery: "ok-to-test/acme/web/7/" + head, Repository: "acme/web", SHA: head,
		Ref: "refs/pull/7/head", BaseBranch: "main", PullRequest: 7, Fork: true, Title: "Fix", Author: "stranger", Sender: "mona",
	}
	if diff := cmp.Diff(want, runs[0].Spec.Origin); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestWishes are labels and comments, of which none may start more than it should.
func TestWishes(t *testing.T) {
	const noAccess = " is only for people with write access to acme/web, and stranger has none"
	moved := pullEvent("", atNext)
	down := &fakeHost{err: errors.New("the git host answers with 502")}
	tests := map[string]struct {
		host  *fakeHost
		runs  []client.Object
		event *event.Event
		want  result
		names []string
	}{
		"the label": {
			event: pullEvent(v1alpha1.ActionLabeled, labelOf("ok-to-test")),
			want:  result{Outcome: created, Run: letInRun, Reason: "the label ok-to-test by mona, pull request 7 (opened)"}, names: []string{letInRun},
		},
		"the label, by who may write": {
			host: writable(nil), event: pullEvent(v1alpha1.ActionLabeled, labelOf("ok-to-test")),
			want: result{Outcome: created, Run: letInRun, Reason: "the label ok-to-test by mona, pull request 7 (opened)"}, names: []string{letInRun},
		},
		"the label, by who may only label": {
			host: writable(nil), event: pullEvent(v1alpha1.ActionLabeled, labelOf("ok-to-test"), func(e *event.Event) { e.Sender = "stranger" }),
			want: result{Outcome: refused, Reason: "the label ok-to-test" + noAccess},
		},
		"the label while the host is down": {
			host: down, event: pullEvent(v1alpha1.ActionLabeled, labelOf("ok-to-test")),
			want: result{Outcome: failed, Reason: "the label ok-to-test by mona: the git host answers with 502", transient: true},
		},
		"a yes by a stranger": {
			host: writable(pullEvent("")), event: commentBy("stranger", "ok-to-test", head),
			want: result{Outcome: refused, Reason: "/ok-to-test" + noAccess},
		},
		"a yes with too little of the commit": {
			host: writable(pullEvent("")), event: commentBy("mona", "ok-to-test", head[:6]),
			want: result{Outcome: refused, Reason: "/ok-to-test takes the commit that was looked at: at least its first 7 characters, in lower case"},
		},
		"a yes to what the head was": {
			host: writable(moved), event: commentBy("mona", "ok-to-test", head),
			want: result{Outcome: refused, Reason: "commit 6113728f27ae is not the head of pull request 7, which is 2f18b9d4c07a now: look at that one"},
		},
		"a yes where nobody can be asked": {
			event: commentBy("mona", "ok-to-test", head),
			want:  result{Outcome: refused, Reason: "/ok-to-test is only for people with write access, and the Trigger has no spec.report, by which the git host could be asked who has: set the label ok-to-test instead"},
		},
		"a yes while the host is down": {
			host: down, event: commentBy("mona", "ok-to-test", head),
			want: result{Outcome: failed, Reason: "/ok-to-test by mona: the git host answers with 502", transient: true},
		},
		"an answer about another": {
			host: writable(pullEvent("", func(e *event.Event) { e.PullRequest.Number = 8 })), event: commentBy("mona", "test"),
			want: result{Outcome: failed, Reason: "/test by mona: the git host answers with another pull request", transient: true},
		},
		"a test": {
			host: writable(pullEvent("", ofNoFork)), event: commentBy("mona", "test"),
			want: result{Outcome: created, Run: start.RunName("web-pr", "d1"), Reason: "/test by mona, pull request 7 (opened)"}, names: []string{start.RunName("web-pr", "d1")},
		},
		"a test of a fork": {
			host: writable(pullEvent("")), event: commentBy("mona", "test"),
			want: result{Outcome: refused, Reason: "commit 6113728f27ae is of a fork, and nobody has let it in: /ok-to-test 6113728f27ae does"},
		},
		"a test by a stranger": {
			host: writable(pullEvent("", ofNoFork)), event: commentBy("stranger", "test"),
			want: result{Outcome: refused, Reason: "/test" + noAccess},
		},
		"a test of another Trigger": {
			host: writable(pullEvent("", ofNoFork)), event: commentBy("mona", "test", "docs"),
			want: result{Outcome: notMatched, Reason: "/test docs is not for this Trigger"},
		},
		"a retest": {
			host: writable(pullEvent("")), event: commentBy("mona", "retest"), runs: objects(ofPull("a", head, v1alpha1.RunFailed)),
			want:  result{Outcome: created, Run: start.RetryName(ofPull("a", head, ""), "d1"), Reason: "/retest by mona: it retries Run a"},
			names: []string{"a", start.RetryName(ofPull("a", head, ""), "d1")},
		},
		"a retest of what has succeeded": {
			host: writable(pullEvent("")), event: commentBy("mona", "retest"), runs: objects(ofPull("a", head, v1alpha1.RunSucceeded)),
			want:  result{Outcome: refused, Reason: "Run a of commit 6113728f27ae has succeeded: /test starts another"},
			names: []string{"a"},
		},
		"a cancel": {
			host: writable(pullEvent("")), event: commentBy("mona", "cancel"), runs: objects(ofPull("a", head, v1alpha1.RunRunning), ofPull("b", next, "")),
			want:  result{Outcome: cancelled, Reason: "/cancel by mona: 2 Runs of pull request 7 are cancelled"},
			names: []string{"a cancelled", "b cancelled"},
		},
		"a cancel by a stranger": {
			host: writable(pullEvent("")), event: commentBy("stranger", "cancel"), runs: objects(ofPull("a", head, v1alpha1.RunRunning)),
			want: result{Outcome: refused, Reason: "/cancel" + noAccess}, names: []string{"a"},
		},
		"a cancel of nothing": {
			host: writable(pullEvent("")), event: commentBy("mona", "cancel"),
			want: result{Outcome: notMatched, Reason: "/cancel by mona: no Run of the pull request is under way"},
		},
		"closed": {
			event: pullEvent(v1alpha1.ActionMerged), runs: objects(ofPull("a", head, v1alpha1.RunRunning), ofPull("b", head, v1alpha1.RunFailed)),
			want: result{Outcome: cancelled, Reason: "Run a of pull request 7 is cancelled"}, names: []string{"a cancelled", "b"},
		},
		"a fork that was deleted": {
			event: pullEvent(v1alpha1.ActionOpened, func(e *event.Event) { e.PullRequest.HeadRepository = "" }),
			want:  result{Outcome: onHold, Reason: "commit 6113728f27ae is of a fork: it waits for the label ok-to-test by someone with write access"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := pullFixture(t, tt.host, tt.runs...)
			tt.want.Trigger = "web-pr"
			if diff := cmp.Diff(tt.want, f.tell(t, "d1", tt.event), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.names, states(f.runs(t))); diff != "" {
				t.Errorf("Runs, -want +got:\n%s", diff)
			}
			if events := f.recorded(t); len(events) > 0 != recorded(tt.want.Outcome) {
				t.Errorf("the events are %v", events)
			}
		})
	}
}

func states(runs []v1alpha1.Run) []string {
	var all []string
	for i := range runs {
		state := runs[i].Name
		if runs[i].Spec.Cancelled {
			state += " cancelled"
		}
		all = append(all, state)
	}
	return all
}

func TestRetestTwiceIsOneRun(t *testing.T) {
	f := pullFixture(t, writable(pullEvent("")), ofPull("a", head, v1alpha1.RunFailed))
	first, second := f.tell(t, "d1", commentBy("mona", "retest")), f.tell(t, "d1", commentBy("mona", "retest"))
	want := result{Trigger: "web-pr", Outcome: exists, Run: first.Run, Reason: "this delivery has started the Run before"}
	if diff := cmp.Diff(want, second, cmp.AllowUnexported(result{})); diff != "" || len(f.runs(t)) != 2 {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What replaces a head ends its Runs where newer Runs replace older ones, and a late
// delivery doesn't end its own.
func TestUpdatedEndsTheRunsOfTheOldHead(t *testing.T) {
	for name, tt := range map[string]struct {
		policy v1alpha1.ConcurrencyPolicy
		want   []string
	}{
		"Replace": {v1alpha1.ConcurrencyReplace, []string{"a cancelled", start.RunName("web-pr", "d1")}},
		"Queue":   {v1alpha1.ConcurrencyQueue, []string{"a", start.RunName("web-pr", "d1")}},
	} {
		t.Run(name, func(t *testing.T) {
			of := pipeline()
			of.Spec.Concurrency = &v1alpha1.Concurrency{Policy: tt.policy}
			f := newFixture(t, setup{objects: objects(of, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls), ofPull("a", head, v1alpha1.RunRunning))})
			for range 2 {
				f.tell(t, "d1", pullEvent(v1alpha1.ActionUpdated, ofNoFork, atNext))
			}
			if diff := cmp.Diff(tt.want, states(f.runs(t))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Another replica may write the status at the same time, and the API server may refuse
// to: then nothing is lost, or the delivery is sent again.
func TestHeldHeadsAreStored(t *testing.T) {
	other := v1alpha1.HeldHead{Repository: "acme/web", PullRequest: 8, SHA: next, Since: metav1.NewTime(time.Unix(1, 0))}
	meanwhile := true
	f := newFixture(t, setup{
		objects: objects(pipeline(), trigger("web-pr", v1alpha1.ProviderGitHub, onPulls)),
		funcs: interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if meanwhile {
				meanwhile = false
				var theirs v1alpha1.Trigger
				if err := c.Get(ctx, client.ObjectKeyFromObject(obj), &theirs); err != nil {
					return err
				}
				theirs.Status.Held = []v1alpha1.HeldHead{other}
				if err := c.Status().Update(ctx, &theirs); err != nil {
					return err
				}
			}
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		}},
	})
	f.tell(t, "d1", pullEvent(v1alpha1.ActionOpened))
	if diff := cmp.Diff([]string{"acme/web " + next + " by ", "acme/web " + head + " by stranger"}, f.held(t)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	failing := newFixture(t, setup{
		objects: objects(pipeline(), trigger("web-pr", v1alpha1.ProviderGitHub, onPulls)),
		funcs: interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			return errors.New("etcd is away")
		}},
	})
	want := result{Trigger: "web-pr", Outcome: failed, Reason: "the API server could not store the outcome: send it again", transient: true}
	if diff := cmp.Diff(want, failing.tell(t, "d1", pullEvent(v1alpha1.ActionOpened)), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Only what is signed is read: a fork's pull request as GitHub tells of it, and the same
// from somebody who doesn't know the token.
func TestSignedPullRequest(t *testing.T) {
	f := pullFixture(t, nil, secret("hook", canary))
	// The head's repository is the first that the payload names.
	fork := strings.Replace(payload(t, "github-pull-opened"), `"id": 1001`, `"id": 2002`, 1)
	opened := signedGitHub("/hooks/ci/web-pr", "d1", "pull_request", fork)
	forged := opened
	forged.header = map[string]string{"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d1", "X-Hub-Signature-256": "sha256=" + sign("another", opened.body)}
	if got := f.send(forged).Code; got != 401 || len(f.held(t)) > 0 {
		t.Errorf("forged: status %d, held %v", got, f.held(t))
	}
	f.expect(t, opened, answered{Status: 200, Delivery: "d1", Results: []result{{
		Trigger: "web-pr", Outcome: onHold, Reason: "commit 6113728f27ae is of a fork: it waits for the label ok-to-test by someone with write access",
	}}})
	if len(f.held(t)) != 1 || len(f.runs(t)) > 0 {
		t.Errorf("held %v, and there are %d Runs", f.held(t), len(f.runs(t)))
	}
}
