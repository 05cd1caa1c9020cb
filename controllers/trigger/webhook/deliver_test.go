package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/start"
)

func TestPushCreatesARun(t *testing.T) {
	of := pipeline(v1alpha1.Param{Name: "git_sha"}, v1alpha1.Param{Name: "deploy", Default: new("no")})
	f := newFixture(t, setup{objects: objects(of, secret("hook", canary),
		trigger("web-push", v1alpha1.ProviderGitHub, onBranches("main"), withParams(map[string]string{"git_sha": "event.sha"})))})
	run := start.RunName("web-push", "d1")

	f.expect(t, githubPush(t, "/hooks/ci/web-push", "d1"), answered{Status: http.StatusCreated, Delivery: "d1", Results: []result{
		{Trigger: "web-push", Outcome: created, Run: run, Reason: "branch main matches main"},
	}})

	want := []v1alpha1.Run{{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: run,
			Labels:      map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.TriggerLabel: "web-push"},
			Annotations: map[string]string{v1alpha1.ReasonAnnotation: "branch main matches main"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "kayci.dev/v1alpha1", Kind: "Pipeline", Name: "web", UID: "web-uid",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: revision.Name(of), Params: map[string]string{"git_sha": head},
			Origin: &v1alpha1.Origin{
				Trigger: "web-push", Provider: v1alpha1.ProviderGitHub, Delivery: "d1",
				Digest:     "sha256:" + hexSum([]byte(payload(t, "github-push"))),
				Repository: "acme/web", SHA: head, Ref: "refs/heads/main", Branch: "main",
				Title: "Fix the parser", Author: "mona", Sender: "mona", URL: "https://github.com/acme/web/commit/" + head,
			},
		},
	}}
	if diff := cmp.Diff(want, f.runs(t), cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if events := f.recorded(t); len(events) > 0 {
		t.Errorf("the Run is the record, but there are the events %v", events)
	}
}

// TestDecisions are the deliveries that start nothing: the answer says why, and
// so does an event on the Trigger, once for each delivery.
func TestDecisions(t *testing.T) {
	git := withParams(map[string]string{"git_sha": "event.sha"})
	declared := v1alpha1.Param{Name: "git_sha"}
	undeclared := `params[git_shaa]: Invalid value: the Pipeline does not declare it; it declares: git_sha`
	tests := map[string]struct {
		trigger  *v1alpha1.Trigger
		pipeline *v1alpha1.Pipeline
		request  request
		status   int
		want     result
	}{
		"ping": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub, git), pipeline: pipeline(declared),
			request: signedGitHub("/hooks/ci/web-push", "d1", "ping", `{"zen": "Anything added dilutes everything else."}`),
			status:  200, want: result{Outcome: notMatched, Reason: "ping: address and secret are right, and there is nothing to start"},
		},
		"another event": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub, git), pipeline: pipeline(declared),
			request: signedGitHub("/hooks/ci/web-push", "d1", "issues", "{}"),
			status:  200, want: result{Outcome: notMatched, Reason: "the event is issues, not push"},
		},
		"another branch": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub, git, onBranches("release/*")), pipeline: pipeline(declared),
			request: githubPush(t, "/hooks/ci/web-push", "d1"),
			status:  200, want: result{Outcome: notMatched, Reason: "branch main matches none of release/*"},
		},
		"a deletion": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub, git), pipeline: pipeline(declared),
			request: signedGitHub("/hooks/ci/web-push", "d1", "push", payload(t, "github-delete")),
			status:  200, want: result{Outcome: notMatched, Reason: "refs/heads/old-idea was deleted, so there is no commit to run"},
		},
		"suspended": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Suspend = true }), pipeline: pipeline(),
			request: githubPush(t, "/hooks/ci/web-push", "d1"),
			status:  200, want: result{Outcome: suspended, Reason: "the Trigger is suspended: spec.suspend is true"},
		},
		"an if that fails": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Webhook.If = "body.nothing == 1" }), pipeline: pipeline(),
			request: githubPush(t, "/hooks/ci/web-push", "d1"), status: 422,
			want: result{Outcome: invalid, Reason: "spec.webhook.if: 1:5: no such key: nothing (write body.?name.orValue('') for a field that may be missing)"},
		},
		"no pipeline": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub),
			request: githubPush(t, "/hooks/ci/web-push", "d1"),
			status:  422, want: result{Outcome: invalid, Reason: "Pipeline web does not exist in the Trigger's namespace"},
		},
		"param expressions that fail": {
			trigger:  trigger("web-push", v1alpha1.ProviderGitHub, withParams(map[string]string{"git_sha": "body.nothing", "b": "event.paths[9]", "ok": "'x'"})),
			pipeline: pipeline(declared), request: githubPush(t, "/hooks/ci/web-push", "d1"), status: 422,
			want: result{Outcome: invalid, Reason: "spec.params[b]: 1:12: index out of bounds: 9; " +
				"spec.params[git_sha]: 1:5: no such key: nothing (write body.?name.orValue('') for a field that may be missing)"},
		},
		"a param that isn't given": {
			trigger: trigger("web-push", v1alpha1.ProviderGitHub), pipeline: pipeline(declared), request: githubPush(t, "/hooks/ci/web-push", "d1"),
			status: 422, want: result{Outcome: invalid, Reason: "params[git_sha]: Required value: the Pipeline gives it no default"},
		},
		"a param that isn't declared": {
			trigger:  trigger("web-push", v1alpha1.ProviderGitHub, withParams(map[string]string{"git_sha": "event.sha", "git_shaa": "event.sha"})),
			pipeline: pipeline(declared), request: githubPush(t, "/hooks/ci/web-push", "d1"),
			status: 422, want: result{Outcome: invalid, Reason: undeclared},
		},
		"generic, undeclared": {
			trigger: trigger("web-push", v1alpha1.ProviderGeneric), pipeline: pipeline(declared),
			request: bearer("/hooks/ci/web-push", "d1", `{"git_sha": "a", "git_shaa": "b"}`),
			status:  422, want: result{Outcome: invalid, Reason: undeclared},
		},
		"generic, not allowed": {
			trigger: trigger("web-push", v1alpha1.ProviderGeneric), pipeline: pipeline(v1alpha1.Param{Name: "git_sha", Pattern: "[0-9a-f]{40}"}),
			request: bearer("/hooks/ci/web-push", "d1", `{"git_sha": "main"}`), status: 422,
			want: result{Outcome: invalid, Reason: "params[git_sha]: Invalid value: must match the pattern [0-9a-f]{40} from beginning to end"},
		},
		"generic, no scalar": {
			trigger: trigger("web-push", v1alpha1.ProviderGeneric), pipeline: pipeline(declared),
			request: bearer("/hooks/ci/web-push", "d1", `{"git_sha": ["a"]}`), status: 422,
			want: result{Outcome: invalid, Reason: `the body's field "git_sha" is not a string, number or bool: choose one of its fields or elements`},
		},
		"generic, too many": {
			trigger: trigger("web-push", v1alpha1.ProviderGeneric), pipeline: pipeline(declared),
			request: bearer("/hooks/ci/web-push", "d1", manyFields(65)), status: 422,
			want: result{Outcome: invalid, Reason: "the body has more than 64 fields, and each is a parameter"},
		},
		"generic, no environment variable": {
			trigger: trigger("web-push", v1alpha1.ProviderGeneric), pipeline: pipeline(declared),
			request: bearer("/hooks/ci/web-push", "d1", `{"git_sha": "a\u0000b"}`), status: 422,
			want: result{Outcome: invalid, Reason: `the body's field "git_sha" contains a NUL character, which no environment variable can hold: remove it`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all := objects(tt.trigger, secret("hook", canary))
			if tt.pipeline != nil {
				all = append(all, tt.pipeline)
			}
			f := newFixture(t, setup{objects: all})
			tt.want.Trigger = "web-push"
			want := answered{Status: tt.status, Delivery: "d1", Results: []result{tt.want}}
			f.expect(t, tt.request, want)
			f.expect(t, tt.request, want)

			kind := "Normal"
			if tt.want.Outcome == invalid {
				kind = "Warning"
			}
			events := []string{fmt.Sprintf("%s %s Trigger/web-push: %s (delivery d1)", kind, tt.want.Outcome, tt.want.Reason)}
			if diff := cmp.Diff(events, f.recorded(t)); diff != "" {
				t.Errorf("events -want +got:\n%s", diff)
			}
			if runs := f.runs(t); len(runs) > 0 {
				t.Errorf("there are Runs: %+v", runs)
			}
			if text := f.log.String() + strings.Join(f.recorded(t), ""); strings.Contains(text, canary) {
				t.Errorf("the token is in the log or an event: %s", text)
			}
		})
	}
}

func manyFields(n int) string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"f%d": 1`, i)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func TestGenericParams(t *testing.T) {
	of := pipeline(v1alpha1.Param{Name: "git_sha"}, v1alpha1.Param{Name: "count", Default: new("1")}, v1alpha1.Param{Name: "deploy", Default: new("no")})
	mapped := withParams(map[string]string{"git_sha": "body.commit.id"})
	tests := map[string]struct {
		trigger *v1alpha1.Trigger
		body    string
		want    map[string]string
	}{
		"fields": {
			trigger("by-hand", v1alpha1.ProviderGeneric), `{"git_sha": "a$(id)", "count": 12345678901, "deploy": true}`,
			map[string]string{"git_sha": "a$(id)", "count": "12345678901", "deploy": "true"},
		},
		"an expression over a format of its own": {
			trigger("by-hand", v1alpha1.ProviderGeneric, mapped),
			`{"commit": {"id": "b"}, "count": 2, "other": [1]}`,
			map[string]string{"git_sha": "b", "count": "2"},
		},
		"an expression wins": {
			trigger("by-hand", v1alpha1.ProviderGeneric, withParams(map[string]string{"git_sha": "'fixed'"})),
			`{"git_sha": "given"}`,
			map[string]string{"git_sha": "fixed"},
		},
		"no body": {
			trigger("by-hand", v1alpha1.ProviderGeneric, withParams(map[string]string{"git_sha": "'fixed'"})),
			"",
			map[string]string{"git_sha": "fixed"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{objects: objects(tt.trigger, of, secret("hook", canary))})
			if w := f.send(bearer("/hooks/ci/by-hand", "d1", tt.body)); w.Code != http.StatusCreated {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(tt.want, f.runs(t)[0].Spec.Params); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestNamespaceAddress reaches every Trigger that the signature fits, and no
// other: not one with another secret, nor one of another namespace.
func TestNamespaceAddress(t *testing.T) {
	foreign := trigger("foreign", v1alpha1.ProviderGitHub)
	foreign.Spec.Webhook.SecretRef.Name = "other"
	elsewhere := trigger("elsewhere", v1alpha1.ProviderGitHub)
	elsewhere.Namespace = "prod"
	token := secret("hook", canary)
	token.Namespace = "prod"
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), secret("other", "x"), foreign, elsewhere, token,
		trigger("b-main", v1alpha1.ProviderGitHub, onBranches("main")),
		trigger("a-release", v1alpha1.ProviderGitHub, onBranches("release")),
		trigger("c-broken", v1alpha1.ProviderGitHub, withParams(map[string]string{"x": "1 +"})),
		trigger("d-gitlab", v1alpha1.ProviderGitLab))})

	run := start.RunName("b-main", "d1")
	broken := "spec.params[x]: 1:4: Syntax error: mismatched input '<EOF>' expecting " +
		"{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
	want := answered{Status: http.StatusCreated, Delivery: "d1", Results: []result{
		{Trigger: "a-release", Outcome: notMatched, Reason: "branch main matches none of release"},
		{Trigger: "b-main", Outcome: created, Run: run, Reason: "branch main matches main"},
		{Trigger: "c-broken", Outcome: invalid, Reason: broken},
	}}
	f.expect(t, githubPush(t, "/hooks/ci", "d1"), want)

	want.Status = http.StatusOK
	want.Results[1] = result{Trigger: "b-main", Outcome: exists, Run: run, Reason: "this delivery has started the Run before"}
	f.expect(t, githubPush(t, "/hooks/ci", "d1"), want)

	if diff := cmp.Diff([]string{"Warning Invalid Trigger/c-broken: " + broken + " (delivery d1)"}, f.recorded(t)); diff != "" {
		t.Errorf("events -want +got:\n%s", diff)
	}
	if runs := f.runs(t); len(runs) != 1 {
		t.Errorf("there are %d Runs", len(runs))
	}
}

// TestNotStoredIsNotSuccess fails each write, and checks that the sender is told
// to come back, and that coming back works.
func TestNotStoredIsNotSuccess(t *testing.T) {
	failing := true
	refuse := interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		if failing {
			return apierrors.NewInternalError(fmt.Errorf("etcd says %s", canary))
		}
		return c.Create(ctx, obj, opts...)
	}}
	f := newFixture(t, setup{funcs: refuse, objects: objects(pipeline(), secret("hook", canary),
		trigger("web-push", v1alpha1.ProviderGitHub), trigger("other", v1alpha1.ProviderGitHub, onBranches("other")))})
	later := "the API server could not store the outcome: send it again"
	for name, run := range map[string]string{"web-push": start.RunName("web-push", "d1"), "other": ""} {
		t.Run(name, func(t *testing.T) {
			failing = true
			req := githubPush(t, "/hooks/ci/"+name, "d1")
			w := f.send(req)
			if diff := cmp.Diff(answered{Status: 503, Delivery: "d1", Results: []result{{Trigger: name, Outcome: failed, Reason: later}}},
				read(t, w), cmp.AllowUnexported(result{})); diff != "" || w.Header().Get("Retry-After") != "5" {
				t.Errorf("Retry-After is %q, -want +got:\n%s", w.Header().Get("Retry-After"), diff)
			}
			failing = false
			if got := read(t, f.send(req)); got.Status > 201 || got.Results[0].Run != run {
				t.Errorf("sent again: %+v", got)
			}
		})
	}
	if runs, events := f.runs(t), f.recorded(t); len(runs) != 1 || len(events) != 1 {
		t.Errorf("there are %d Runs and the events %v", len(runs), events)
	}
}

func TestRunOfThatNameByAnother(t *testing.T) {
	byHand := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: start.RunName("web-push", "d1")}}
	f := newFixture(t, setup{objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGitHub), byHand)})
	f.expect(t, githubPush(t, "/hooks/ci/web-push", "d1"), answered{Status: 500, Delivery: "d1", Results: []result{
		{Trigger: "web-push", Outcome: failed, Reason: "a Run that this delivery did not start has the name of its Run"},
	}})
	if log := f.log.String(); !strings.Contains(log, "create Run web-push-") || !strings.Contains(log, "another Run has this name already") {
		t.Errorf("the log says: %s", log)
	}
}

func TestAPIServerAway(t *testing.T) {
	for name, away := range map[string]func(client.Object) bool{
		"Secrets":   func(o client.Object) bool { return o.GetName() == "" && fmt.Sprintf("%T", o) == "*v1.Secret" },
		"Triggers":  func(o client.Object) bool { return fmt.Sprintf("%T", o) == "*v1alpha1.Trigger" },
		"Pipelines": func(o client.Object) bool { return fmt.Sprintf("%T", o) == "*v1alpha1.Pipeline" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setup{
				objects: objects(pipeline(), secret("hook", canary), trigger("web-push", v1alpha1.ProviderGitHub)),
				funcs: interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
					if away(obj) {
						return apierrors.NewTimeoutError("etcd is away", 1)
					}
					return c.Get(ctx, key, obj, opts...)
				}},
			})
			if w := f.send(githubPush(t, "/hooks/ci/web-push", "d1")); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
