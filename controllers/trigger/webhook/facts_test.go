package webhook

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/event"
)

var hostPort = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

func opened(t testing.TB, path string) request {
	t.Helper()
	return signedGitHub(path, "d1", "pull_request", payload(t, "github-pull-opened"))
}

// What the payload of a pull request never tells its host is asked for, and where it
// doesn't say either, the Trigger matches and says why.
func TestChangedPathsAreAskedFor(t *testing.T) {
	run := start.RunName("web-pr", "d1")
	unknown := func(why string) result {
		return result{Outcome: created, Run: run, Reason: "pull request 7 (opened), not all changed paths are known: " +
			"the git host lists no paths of a pull request, and when it is asked: " + why}
	}
	const get = "GET git.example.com/repos/acme/web/pulls/7/files is answered with "
	elsewhere := newGitHost(t, map[string]said{askFiles: {body: `[]`}})
	for name, tt := range map[string]struct {
		answer *said
		want   result
	}{
		"one that counts": {&said{body: `[{"filename":"docs/a"},{"filename":"src/a"}]`}, result{Outcome: created, Run: run, Reason: "pull request 7 (opened), path src/a matches src/**"}},
		"the former name": {&said{body: `[{"filename":"docs/a","previous_filename":"src/a"}]`}, result{Outcome: created, Run: run, Reason: "pull request 7 (opened), path src/a matches src/**"}},
		"others":          {&said{body: `[{"filename":"docs/a"}]`}, result{Outcome: notMatched, Reason: "no changed path matches paths: docs/a"}},
		"none":            {&said{body: `[]`}, result{Outcome: notMatched, Reason: "no path has changed, and paths are given"}},
		"401":             {&said{code: 401, body: `{"message":"Bad credentials"}`}, unknown("AuthenticationFailed: " + get + "401: Bad credentials; the token isn't known or is no longer valid: put another into the Secret")},
		"403":             {&said{code: 403, body: `{"message":"No"}`}, unknown("Forbidden: " + get + "403: No; the token lacks a permission: docs/reporting.md says which it takes")},
		"404":             {&said{code: 404, body: `{"message":"Not Found"}`}, unknown("NotFound: " + get + "404: Not Found; there is no such thing, or the token may not see it")},
		"429":             {&said{code: 429}, unknown("RateLimited: " + get + "429; the host takes more requests in 1m")},
		"429 for 20 s":    {&said{code: 429, header: map[string]string{"Retry-After": "20"}}, unknown("RateLimited: " + get + "429; the host takes more requests in 20s")},
		"500":             {&said{code: 500, body: `{"message":"` + canary + `"}`}, unknown(get + "500: (withheld: it repeats a credential)")},
		"a page":          {&said{body: `<html>`}, unknown("InvalidURL: " + strings.TrimSuffix(get, "with ") + "with what isn't the JSON that is expected: is this the address of the host's API?")},
		"silence":         {nil, unknown("GET git.example.com/repos/acme/web/pulls/7/files has no answer in time")},
		"somewhere else": {&said{code: 307, header: map[string]string{"Location": elsewhere.url + "/repos/acme/web/pulls/7/files"}}, unknown("InvalidURL: " +
			"GET git.example.com/repos/acme/web/pulls/7/files is answered by a redirect to another host or request, which the token doesn't follow: correct the address of the API")},
	} {
		t.Run(name, func(t *testing.T) {
			host := newGitHost(t, map[string]said{})
			if tt.answer != nil {
				host.answers[askFiles] = *tt.answer
			}
			f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(host.url)))
			if tt.answer == nil {
				f.impatient()
			}
			w := f.send(opened(t, "/hooks/ci/web-pr"))
			got := read(t, w)
			got.Results[0].Reason = hostPort.ReplaceAllString(got.Results[0].Reason, "git.example.com")
			tt.want.Trigger = "web-pr"
			if diff := cmp.Diff([]result{tt.want}, got.Results, cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff([]string{askFiles}, host.requests()); diff != "" {
				t.Errorf("requests, -want +got:\n%s", diff)
			}
			if len(f.runs(t)) == 1 != (tt.want.Outcome == created) {
				t.Errorf("there are %d Runs", len(f.runs(t)))
			}
			f.keepsSecrets(t, w.Body.String())
		})
	}
	if carried := elsewhere.requests(); len(carried) > 0 {
		t.Errorf("another host was asked %v", carried)
	}
}

// A list of paths that takes a host long keeps no command from being obeyed.
func TestSlowPathsKeepNoCommandOut(t *testing.T) {
	host := newGitHost(t, map[string]said{askAda: mayWriteAnswer(), askReact: {code: 201, body: "{}"}})
	f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(host.url)))
	f.impatient()
	f.send(opened(t, "/hooks/ci/web-pr"))
	got := read(t, f.send(command(t, "/hooks/ci/web-pr", "d2", "/cancel")))
	if len(got.Results) != 1 || got.Results[0].Outcome != cancelled {
		t.Errorf("got %+v", got)
	}
	want := []string{askAda, askFiles, askReact + ` {"content":"+1"}`}
	if diff := cmp.Diff(want, host.requests()); diff != "" {
		t.Errorf("requests, -want +got:\n%s", diff)
	}
}

// Where a host has to allow something, whatever it answers but yes starts nothing, and
// the sender is to send it again.
func TestHostsThatDontAllow(t *testing.T) {
	elsewhere := newGitHost(t, map[string]said{askAda: mayWriteAnswer(), askPull: ofPullHost("acme/web", head)})
	moved := func(path string) said {
		return said{code: 307, header: map[string]string{"Location": elsewhere.url + path}}
	}
	for name, answer := range map[string]*said{
		"401": {code: 401, body: `{"message":"Bad credentials"}`}, "403": {code: 403}, "404": {code: 404, body: `{"message":"Not Found"}`}, "429": {code: 429},
		"500": {code: 500, body: canary}, "a page": {body: "<html>"}, "nothing": {}, "another type": {body: `[]`}, "silence": nil, "somewhere else": {},
	} {
		for _, fact := range []string{askAda, askPull} {
			t.Run(name+" to "+fact, func(t *testing.T) {
				answers := map[string]said{askAda: mayWriteAnswer(), askPull: ofPullHost("acme/web", head)}
				switch {
				case answer == nil:
					delete(answers, fact)
				case name == "somewhere else":
					answers[fact] = moved(strings.TrimPrefix(fact, "GET "))
				default:
					answers[fact] = *answer
				}
				f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, reportTo(newGitHost(t, answers).url)))
				if answer == nil {
					f.impatient()
				}
				w := f.send(command(t, "/hooks/ci/web-pr", "d1", "/test"))
				if got := read(t, w); got.Status != http.StatusServiceUnavailable || got.Results[0].Outcome != failed || !strings.HasPrefix(got.Results[0].Reason, "/test by ada: ") {
					t.Errorf("got %+v", got)
				}
				if runs := f.runs(t); len(runs) > 0 {
					t.Errorf("there are Runs: %+v", runs)
				}
				f.keepsSecrets(t, w.Body.String())
			})
		}
	}
	if carried := elsewhere.requests(); len(carried) > 0 {
		t.Errorf("another host was asked %v", carried)
	}
}

// What hosts say is kept in the memory for what is understood, and not for long.
func TestAskedPathsTakeMemory(t *testing.T) {
	host := newGitHost(t, map[string]said{askFiles: {body: `[{"filename":"src/a"}]`}})
	f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(host.url)))
	f.memory.patience = time.Millisecond
	body := payload(t, "github-pull-opened")
	d := delivery{provider: v1alpha1.ProviderGitHub, id: "d1", event: parsedPull(t, body), body: &document{raw: []byte(body), memory: f.memory}}
	of := deliveries{v1alpha1.ProviderGitHub: {d}}
	deliver := func() result {
		return f.deliverAll(t.Context(), []v1alpha1.Trigger{*f.trigger(t, "web-pr")}, of, true)[0]
	}
	must(t, f.memory.take(t.Context(), expr.MaxWeight))
	want := result{Trigger: "web-pr", Outcome: failed, Reason: "too many large requests at once: send it again", transient: true}
	if diff := cmp.Diff(want, deliver(), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	f.memory.release(expr.MaxWeight)
	if got := deliver(); got.Outcome != created || !f.memory.left.TryAcquire(expr.MaxWeight) {
		t.Errorf("got %+v, or memory is still taken", got)
	}
}

func parsedPull(t testing.TB, body string) *event.Event {
	t.Helper()
	parsed, err := event.Parse(v1alpha1.ProviderGitHub, "pull_request", []byte(body))
	must(t, err)
	return parsed[0]
}

// A host is asked only where its answer would change something.
func TestNobodyIsAskedForNothing(t *testing.T) {
	host := newGitHost(t, map[string]said{})
	shut := func(s *v1alpha1.TriggerSpec) { s.Webhook.Forks = v1alpha1.ForksIgnore }
	fork := signedGitHub("/hooks/ci/web-pr", "d1", "pull_request", strings.Replace(payload(t, "github-pull-opened"), `"id": 1001`, `"id": 2002`, 1))
	unsigned := opened(t, "/hooks/ci/web-pr")
	unsigned.header = map[string]string{"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d1", "X-Hub-Signature-256": "sha256=" + sign("another", unsigned.body)}
	anew := strings.Replace(payload(t, "github-push"), `"before": "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"`, `"before": "0000000000000000000000000000000000000000"`, 1)
	for name, tt := range map[string]struct {
		edits  []func(*v1alpha1.TriggerSpec)
		req    request
		status int
		reason string
	}{
		"who asks for no paths":      {[]func(*v1alpha1.TriggerSpec){onPulls}, opened(t, "/hooks/ci/web-pr"), 201, "pull request 7 (opened)"},
		"who waits for another base": {[]func(*v1alpha1.TriggerSpec){onPulls, onPaths("src/**"), onBranches("next")}, opened(t, "/hooks/ci/web-pr"), 200, "base main matches none of next"},
		"whose condition is false":   {[]func(*v1alpha1.TriggerSpec){onPulls, onPaths("src/**"), withIf("event.action == 'closed'")}, opened(t, "/hooks/ci/web-pr"), 200, "spec.webhook.if is false: event.action == 'closed'"},
		"who takes no forks":         {[]func(*v1alpha1.TriggerSpec){onPulls, onPaths("src/**"), shut}, fork, 200, "the pull request is of a fork, and spec.webhook.forks is Ignore"},
		"a payload that says it all": {[]func(*v1alpha1.TriggerSpec){onPaths("README.md")}, githubPush(t, "/hooks/ci/web-pr", "d1"), 0, ""},
		"a branch that is new":       {[]func(*v1alpha1.TriggerSpec){onPaths("nothing")}, signedGitHub("/hooks/ci/web-pr", "d1", "push", anew), 201, "a push of refs/heads/main, not all changed paths are known: the ref is new"},
		"an unsigned request":        {[]func(*v1alpha1.TriggerSpec){onPulls, onPaths("src/**")}, unsigned, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, append(tt.edits, reportTo(host.url))...))
			got := read(t, f.send(tt.req))
			if tt.status != 0 && got.Status != tt.status || tt.reason != "" && got.Results[0].Reason != tt.reason {
				t.Errorf("got %+v", got)
			}
			if asked := host.requests(); len(asked) > 0 {
				t.Errorf("the host was asked %v", asked)
			}
		})
	}
	f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**")))
	want := result{
		Trigger: "web-pr", Outcome: created, Run: start.RunName("web-pr", "d1"),
		Reason: "pull request 7 (opened), not all changed paths are known: the git host lists no paths of a pull request",
	}
	f.expect(t, opened(t, "/hooks/ci/web-pr"), answered{Status: 201, Delivery: "d1", Results: []result{want}})
}

// A push whose list the host cuts is completed, and the Run's parameters see that.
func TestPathsOfAPushAreAskedFor(t *testing.T) {
	host := newGitHost(t, map[string]said{askCompare: {body: `{"status":"ahead","files":[{"filename":"src/b"}]}`}})
	of := pipeline(v1alpha1.Param{Name: "paths"}, v1alpha1.Param{Name: "complete"})
	f := newFixture(t, setup{objects: objects(of, secret("hook", canary), secret("token", canary),
		trigger("web-push", v1alpha1.ProviderGitHub, withIf("event.paths.exists(p, p.startsWith('src/'))"), reportTo(host.url),
			withParams(map[string]string{"paths": "event.paths.join(' ')", "complete": "string(event.pathsComplete)"})))})
	f.askHosts()
	cut := strings.Replace(payload(t, "github-push"), `"forced": false`, `"forced": true`, 1)
	got := read(t, f.send(signedGitHub("/hooks/ci/web-push", "d1", "push", cut)))
	if got.Status != http.StatusCreated || got.Results[0].Reason != "a push of refs/heads/main, and spec.webhook.if is true" {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff(map[string]string{"paths": "src/b", "complete": "true"}, f.runs(t)[0].Spec.Params); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Many Triggers of a namespace take one delivery, and the host is asked once by each
// access that they have.
func TestEqualQuestionsAreAskedOnce(t *testing.T) {
	host := newGitHost(t, map[string]said{
		askFiles: {body: `[{"filename":"src/a"}]`}, askAda: mayWriteAnswer(), askPull: ofPullHost("ben/web", head),
		"POST /repos/acme/web/issues/comments/501/reactions": {code: 201, body: "{}"},
	})
	var all []*v1alpha1.Trigger
	for i := range 5 {
		all = append(all, trigger(fmt.Sprintf("web-%d", i), v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(host.url)))
	}
	all = append(all, trigger("web-other", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(host.url), bySecret("other")))
	f := asking(t)
	for _, one := range all {
		if err := f.client.Create(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		req  request
		want []string
	}{
		{opened(t, "/hooks/ci"), []string{askFiles, askFiles}},
		{signedGitHub("/hooks/ci", "d2", "issue_comment", payload(t, "github-comment")), []string{
			askAda, askAda, askPull, askPull, askFiles, askFiles, `POST /repos/acme/web/issues/comments/501/reactions {"content":"+1"}`,
		}},
	} {
		got := read(t, f.send(tt.req))
		for _, r := range got.Results {
			if r.Outcome != created {
				t.Errorf("%+v", r)
			}
		}
		if diff := cmp.Diff(tt.want, host.requests()); diff != "" || len(got.Results) != 6 {
			t.Errorf("%d results; requests, -want +got:\n%s", len(got.Results), diff)
		}
	}
}

// A host that is down holds nobody up: other Triggers are served, nothing more is asked
// of it in this request, and nothing in the next ones for a while.
func TestHostThatIsDownHoldsNobodyUp(t *testing.T) {
	silent := newGitHost(t, map[string]said{})
	host := newGitHost(t, map[string]said{askFiles: {body: `[{"filename":"src/a"}]`}})
	f := asking(t,
		trigger("a", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(silent.url)),
		trigger("b", v1alpha1.ProviderGitHub, onPulls, onPaths("docs/**"), reportTo(silent.url)),
		trigger("c", v1alpha1.ProviderGitHub, onPulls, onPaths("src/**"), reportTo(host.url)),
		trigger("d", v1alpha1.ProviderGitHub, onPulls))
	f.impatient()
	send := func(id string) []string {
		var reasons []string
		for _, r := range read(t, f.send(signedGitHub("/hooks/ci", id, "pull_request", payload(t, "github-pull-opened")))).Results {
			if r.Outcome != created {
				t.Errorf("%+v", r)
			}
			_, reason, _ := strings.Cut(r.Reason, "when it is asked: ")
			reasons = append(reasons, hostPort.ReplaceAllString(reason, "git.example.com"))
		}
		return reasons
	}
	const gone, left = "GET git.example.com/repos/acme/web/pulls/7/files has no answer in time", "the git host has failed or had enough, and is asked again in 1s"
	for _, step := range []struct {
		id     string
		after  time.Duration
		want   []string
		silent []string
	}{
		{"d1", 0, []string{gone, gone, "", ""}, []string{askFiles}},
		{"d2", 0, []string{left, left, "", ""}, nil},
		{"d3", time.Second, []string{gone, gone, "", ""}, []string{askFiles}},
	} {
		f.clock.SetTime(f.clock.Now().Add(step.after))
		if diff := cmp.Diff(step.want, send(step.id)); diff != "" {
			t.Errorf("%s: reasons, -want +got:\n%s", step.id, diff)
		}
		if diff := cmp.Diff(step.silent, silent.requests()); diff != "" {
			t.Errorf("%s: requests, -want +got:\n%s", step.id, diff)
		}
	}
	// The others' time is bounded, too.
	f.allowance.all = time.Nanosecond
	f.clock.SetTime(f.clock.Now().Add(time.Hour))
	if diff := cmp.Diff([]string{gone, gone, errNoTimeLeft.Error(), ""}, send("d4")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
