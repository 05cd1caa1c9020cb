package webhook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// command is GitHub's comment 501 by ada.
func command(t testing.TB, path, id, text string) request {
	t.Helper()
	return signedGitHub(path, id, "issue_comment", strings.Replace(payload(t, "github-comment"), "/ok-to-test 6113728", text, 1))
}

const askReact = "POST /repos/acme/web/issues/comments/501/reactions"

// The author of a command is told at the host what has become of it: once, and only
// where the host is known to be the one that has sent it.
func TestCommandsAreAnswered(t *testing.T) {
	reads := said{body: `{"permission":"read"}`}
	up, down := askReact+` {"content":"+1"}`, askReact+` {"content":"-1"}`
	web, docs := []string{"web-pr"}, []string{"web-pr", "docs-pr"}
	for name, tt := range map[string]struct {
		triggers []string
		text     string
		answers  map[string]said
		want     []string
		outcome  outcome
	}{
		"by who may write":            {web, "/test", map[string]said{askAda: mayWriteAnswer(), askPull: ofPullHost("acme/web", head)}, []string{askAda, askPull, up}, created},
		"by who may not":              {web, "/test", map[string]said{askAda: reads}, []string{askAda, down}, refused},
		"to each of two Triggers":     {docs, "/cancel", map[string]said{askAda: reads}, []string{askAda, down}, refused},
		"to one of two Triggers":      {docs, "/test docs-pr", map[string]said{askAda: mayWriteAnswer(), askPull: ofPullHost("acme/web", head)}, []string{askAda, askPull, up}, notMatched},
		"to no Trigger":               {docs, "/test another", nil, nil, notMatched},
		"a yes to too little":         {web, "/ok-to-test 611372", nil, []string{down}, refused},
		"a yes to what the head was":  {web, "/ok-to-test " + head[:7], map[string]said{askAda: mayWriteAnswer(), askPull: ofPullHost("ben/web", next)}, []string{askAda, askPull, down}, refused},
		"a test of a fork":            {web, "/test", map[string]said{askAda: mayWriteAnswer(), askPull: ofPullHost("ben/web", head)}, []string{askAda, askPull, down}, refused},
		"a cancel of nothing":         {web, "/cancel", map[string]said{askAda: mayWriteAnswer()}, []string{askAda, up}, notMatched},
		"an unknown command":          {web, "/merge", nil, nil, notMatched},
		"a host that is out of order": {web, "/test", map[string]said{askAda: {code: 500}}, []string{askAda}, failed},
		"a token that may not":        {web, "/test", map[string]said{askAda: reads, askReact: {code: 403, body: `{"message":"No"}`}}, []string{askAda, down}, refused},
		"a host that takes no answer": {web, "/test", map[string]said{askAda: reads, askReact: {code: 500, body: canary}}, []string{askAda, down}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]said{askReact: {code: 201, body: "{}"}}
			maps.Copy(answers, tt.answers)
			host := newGitHost(t, answers)
			f := asking(t)
			for _, one := range tt.triggers {
				must(t, f.client.Create(t.Context(), trigger(one, v1alpha1.ProviderGitHub, onPulls, reportTo(host.url))))
			}
			w := f.send(command(t, "/hooks/ci", "d1", tt.text))
			got := read(t, w)
			at := slices.IndexFunc(got.Results, func(r result) bool { return r.Trigger == "web-pr" })
			if diff := cmp.Diff(tt.outcome, got.Results[at].Outcome); diff != "" {
				t.Errorf("%+v, -want +got:\n%s", got.Results, diff)
			}
			if diff := cmp.Diff(tt.want, host.requests()); diff != "" {
				t.Errorf("requests, -want +got:\n%s", diff)
			}
			f.keepsSecrets(t, w.Body.String())
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Without credentials nobody is answered, and a host that is slow to take the answer
// keeps no sender waiting for long.
func TestAnswersThatNobodyGets(t *testing.T) {
	f := asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls))
	if got := read(t, f.send(command(t, "/hooks/ci/web-pr", "d1", "/test"))); got.Results[0].Outcome != refused {
		t.Errorf("got %+v", got)
	}
	host := newGitHost(t, map[string]said{askAda: {body: `{"permission":"read"}`}})
	f = asking(t, trigger("web-pr", v1alpha1.ProviderGitHub, onPulls, reportTo(host.url)))
	f.impatient()
	if got := read(t, f.send(command(t, "/hooks/ci/web-pr", "d1", "/test"))); got.Results[0].Outcome != refused || !strings.Contains(f.log.String(), "has no answer in time") {
		t.Errorf("got %+v", got)
	}
	host.requests()
	f.clock.SetTime(f.clock.Now().Add(time.Second))
	f.send(signedGitHub("/hooks/ci/web-pr", "d2", "issue_comment", strings.Replace(payload(t, "github-comment"), `"id": 501`, `"id": 0`, 1)))
	if diff := cmp.Diff([]string{askAda}, host.requests()); diff != "" {
		t.Errorf("a comment without an id, requests, -want +got:\n%s", diff)
	}
}

// How each host is answered that refuses a command.
func TestRefusalsAtEachHost(t *testing.T) {
	const uuid = "{5a1c0a33-7d0b-4a7e-9d3b-0a1f6a1c0001}"
	permissions := "GET /2.0/workspaces/acme/permissions/repositories/web"
	users := "GET /rest/api/1.0/users"
	for name, tt := range map[string]struct {
		provider      v1alpha1.Provider
		api           string
		kind, payload string
		// was is the command in the payload.
		was     string
		answers map[string]said
		want    []string
	}{
		"gitlab": {
			v1alpha1.ProviderGitLab, "/api/v4", "Note Hook", "gitlab-note", "/ok-to-test 6113728",
			map[string]said{
				"GET /api/v4/users": {body: `[{"id":3,"username":"ada"}]`}, "GET /api/v4/projects/acme/backend/web/members/all/3": {body: `{"state":"active","access_level":20}`},
				"POST /api/v4/projects/acme/backend/web/merge_requests/7/notes/1244/award_emoji": {code: 201, body: "{}"},
			},
			[]string{"GET /api/v4/projects/acme/backend/web/members/all/3", "GET /api/v4/users", `POST /api/v4/projects/acme/backend/web/merge_requests/7/notes/1244/award_emoji {"name":"thumbsdown"}`},
		},
		"gitea": {
			v1alpha1.ProviderGitea, "/api/v1", "issue_comment", "gitea-comment", "/test all",
			map[string]said{
				"GET /api/v1/repos/acme/web/collaborators/ada/permission": {body: `{"permission":"read"}`}, "POST /api/v1/repos/acme/web/issues/comments/5/reactions": {code: 200, body: "{}"},
			},
			[]string{"GET /api/v1/repos/acme/web/collaborators/ada/permission", `POST /api/v1/repos/acme/web/issues/comments/5/reactions {"content":"-1"}`},
		},
		"bitbucket": {
			v1alpha1.ProviderBitbucket, "/2.0", "pullrequest:comment_created", "bitbucket-comment", "/retest",
			map[string]said{permissions: {body: `{"values":[]}`}, "POST /2.0/repositories/acme/web/pullrequests/7/comments": {code: 201, body: "{}"}},
			[]string{permissions, `POST /2.0/repositories/acme/web/pullrequests/7/comments {"content":{"raw":"KayCI doesn't do this: ` +
				"`/test is only for people with write access to acme/web, and " + uuid + ` has none` + "`" + `"}}`},
		},
		"bitbucket data center": {
			v1alpha1.ProviderBitbucketServer, "/rest/api/1.0", "pr:comment:added", "datacenter-comment", "/test all",
			map[string]said{users: {body: `{"values":[]}`}, "POST /rest/api/1.0/projects/ACME/repos/web/pull-requests/7/comments": {code: 201, body: "{}"}},
			[]string{users, `POST /rest/api/1.0/projects/ACME/repos/web/pull-requests/7/comments {"text":"KayCI doesn't do this: ` +
				"`/test is only for people with write access to ACME/web, and ada has none`" + `"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			host := newGitHost(t, tt.answers)
			f := asking(t, trigger("web-pr", tt.provider, onPulls, reportTo(host.url+tt.api)))
			body := strings.Replace(payload(t, tt.payload), tt.was, "/test", 1)
			if got := read(t, f.send(request{path: "/hooks/ci/web-pr", body: body, header: signedBy(tt.provider, tt.kind, "d1", body)})); got.Results[0].Outcome != refused {
				t.Errorf("got %+v", got)
			}
			if diff := cmp.Diff(tt.want, host.requests()); diff != "" {
				t.Errorf("requests, -want +got:\n%s", diff)
			}
			f.keepsSecrets(t)
		})
	}
}

// signedBy are the headers of an event as the provider sends them.
func signedBy(provider v1alpha1.Provider, kind, id, body string) map[string]string {
	switch provider {
	case v1alpha1.ProviderGitLab:
		return map[string]string{"X-Gitlab-Event": kind, "Idempotency-Key": id, "X-Gitlab-Token": canary}
	case v1alpha1.ProviderGitea:
		return map[string]string{"X-Gitea-Event": kind, "X-Gitea-Delivery": id, "X-Gitea-Signature": sign(canary, body)}
	default:
		return map[string]string{"X-Event-Key": kind, "X-Request-UUID": id, "X-Request-Id": id, "X-Hub-Signature": "sha256=" + sign(canary, body)}
	}
}

// Whoever comments at will has KayCI write only a few comments, and none about a
// delivery that is sent again.
func TestCommentsAreFew(t *testing.T) {
	written := "POST /2.0/repositories/acme/web/pullrequests/7/comments"
	host := newGitHost(t, map[string]said{"GET /2.0/workspaces/acme/permissions/repositories/web": {body: `{"values":[]}`}, written: {code: 201, body: "{}"}})
	f := asking(t, trigger("web-pr", v1alpha1.ProviderBitbucket, onPulls, reportTo(host.url+"/2.0")))
	body := payload(t, "bitbucket-comment")
	comments := func(ids ...string) (count int) {
		for _, id := range ids {
			f.send(request{path: "/hooks/ci/web-pr", body: body, header: signedBy(v1alpha1.ProviderBitbucket, "pullrequest:comment_created", id, body)})
		}
		for _, asked := range host.requests() {
			if strings.HasPrefix(asked, written) {
				count++
			}
		}
		return count
	}
	var got []int
	got = append(got, comments("d1"), comments("d1", "d2"), comments("d3", "d4", "d5", "d6", "d7"))
	f.clock.SetTime(f.clock.Now().Add(time.Hour))
	got = append(got, comments("d8", "d8"))
	if diff := cmp.Diff([]int{1, 1, 3, 1}, got); diff != "" {
		t.Errorf("comments, -want +got:\n%s", diff)
	}
	var b budget
	for number := range int64(2 * maxThreads) {
		b.take(thread{number: number}, "d1", f.clock)
	}
	if len(b.spent) != maxThreads {
		t.Errorf("%d pull requests are kept", len(b.spent))
	}
	if !b.take(thread{access: access{namespace: "other"}}, "d1", f.clock) {
		t.Error("another namespace has taken all comments")
	}
	f.clock.SetTime(f.clock.Now().Add(time.Hour))
	if !b.take(thread{number: -1}, "d1", f.clock) || len(b.spent) != 1 {
		t.Errorf("%d pull requests are kept after an hour", len(b.spent))
	}
}

// What KayCI writes is no command to it, and starts no Run, whatever words of others
// are in it.
func TestKayCIDoesntHearItself(t *testing.T) {
	for _, reason := range []string{"/test is only for people", "`\n/test`", "```\n/test\n```", "deploy"} {
		e := pullEvent(v1alpha1.ActionCreated, func(e *event.Event) {
			e.Kind, e.Sender = v1alpha1.EventComment, "mona"
			e.Comment = event.Comment{Author: "mona", Body: pull.Reply(reason)}
		})
		raw := fmt.Sprintf(`{"action":"created","comment":{"body":%q,"user":{"login":"mona"}},"sender":{"login":"mona"},
			"repository":{"full_name":"acme/web"},"issue":{"number":7,"pull_request":{}}}`, pull.Reply(reason))
		heard, err := event.Parse(v1alpha1.ProviderGitHub, "issue_comment", []byte(raw))
		if err != nil || heard[0].Comment.Command != "" {
			t.Errorf("%q is heard as %+v (%v)", reason, heard, err)
		}
		f := newFixture(t, setup{objects: objects(pipeline(), trigger("web-pr", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) {
			s.Webhook.Events = []v1alpha1.EventKind{v1alpha1.EventComment, v1alpha1.EventPullRequest}
		})), options: Options{Hosts: fakeHosts{writable(pullEvent("", ofNoFork))}}})
		want := result{Trigger: "web-pr", Outcome: notMatched, Reason: "KayCI has written the comment"}
		if diff := cmp.Diff(want, f.tell(t, "d1", e), cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
