package explain_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/explain"
)

func trigger(name string, provider v1alpha1.Provider, edit func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
	t := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.TriggerSpec{Pipeline: "web", Webhook: &v1alpha1.Webhook{Provider: provider}},
	}
	if edit != nil {
		edit(&t.Spec)
	}
	return t
}

// apart takes a program's request apart.
func apart(each string) *v1alpha1.Trigger {
	return trigger("apart", v1alpha1.ProviderGeneric, func(s *v1alpha1.TriggerSpec) {
		s.Webhook.Each, s.Webhook.If = each, "body.git_sha != 'v1'"
	})
}

func pipeline(params ...v1alpha1.Param) *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: v1alpha1.PipelineSpec{Params: params}}
}

// from is the header by which a git host names the event.
func from(name, event string) http.Header { return http.Header{name: {event}} }

func request(t *testing.T, payload string, header http.Header) explain.Request {
	t.Helper()
	if !strings.HasPrefix(payload, "{") {
		content, err := os.ReadFile("../event/testdata/" + payload + ".json")
		if err != nil {
			t.Fatal(err)
		}
		payload = string(content)
	}
	return explain.Request{Header: header, Body: []byte(payload)}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	sha := func(s *v1alpha1.TriggerSpec) { s.Params = map[string]string{"git_sha": "event.sha"} }
	all := []*v1alpha1.Trigger{
		trigger("web-push", v1alpha1.ProviderGitHub, sha),
		trigger("a-branch", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Webhook.Branches = []string{"release/*"} }),
		trigger("lab", v1alpha1.ProviderGitLab, sha),
		trigger("by-hand", v1alpha1.ProviderGeneric, nil),
		trigger("off", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Suspend = true }),
		trigger("other", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) { s.Pipeline = "elsewhere" }),
		trigger("clock", "", func(s *v1alpha1.TriggerSpec) { s.Webhook = nil }),
		trigger("bare", v1alpha1.ProviderGitHub, nil),
	}
	ofGitHub := []explain.Answer{
		{Trigger: "a-branch", Pipeline: "web", Outcome: "NotMatched", Reason: "branch main matches none of release/*"},
		{Trigger: "bare", Pipeline: "web", Outcome: "Invalid", Reason: "params[git_sha]: Required value: the Pipeline gives it no default"},
		{Trigger: "by-hand", Pipeline: "web", Outcome: "NotMatched", Reason: "the headers are those of github, and a generic webhook takes requests with a bearer token"},
		{Trigger: "clock", Pipeline: "web", Outcome: "NotMatched", Reason: "no request reaches the Trigger: it has no webhook"},
		{Trigger: "lab", Pipeline: "web", Outcome: "NotMatched", Reason: "no header names an event of gitlab"},
		{Trigger: "off", Pipeline: "web", Outcome: "Suspended", Reason: "the Trigger is suspended: spec.suspend is true"},
		{
			Trigger: "other", Pipeline: "elsewhere", Outcome: "Invalid",
			Reason: "there is no Pipeline elsewhere beside the Trigger, so that the parameters aren't known",
		},
		{
			Trigger: "web-push", Pipeline: "web", Outcome: "Created", Reason: "a push of refs/heads/main",
			Params: map[string]string{"git_sha": "6113728f27ae82c7b1a177c8d03f9e96e0adf246"},
		},
	}
	tests := map[string]struct {
		triggers []*v1alpha1.Trigger
		request  explain.Request
		want     []explain.Answer
	}{
		"a push": {all, request(t, "github-push", from("X-Github-Event", "push")), ofGitHub},
		"of gitlab": {all[2:3], request(t, "gitlab-push", from("X-Gitlab-Event", "Push Hook")), []explain.Answer{{
			Trigger: "lab", Pipeline: "web", Outcome: "Created", Reason: "a push of refs/heads/release/1.4",
			Params: map[string]string{"git_sha": "6113728f27ae82c7b1a177c8d03f9e96e0adf246"},
		}}},
		"of a program": {all[3:4], request(t, `{"git_sha": "abc"}`, nil), []explain.Answer{{
			Trigger: "by-hand", Pipeline: "web", Outcome: "Created", Reason: "the request is authentic", Params: map[string]string{"git_sha": "abc"},
		}}},
		"taken apart": {[]*v1alpha1.Trigger{apart("body.tags.filter(t, t != 'wip').map(t, {'git_sha': t})")}, request(t, `{"tags": ["v1", "wip", "v2"]}`, nil), []explain.Answer{
			{Trigger: "apart", Pipeline: "web", Outcome: "NotMatched", Reason: "spec.webhook.if is false: body.git_sha != 'v1'"},
			{Trigger: "apart", Pipeline: "web", Outcome: "Created", Reason: "the request is authentic, and spec.webhook.if is true", Params: map[string]string{"git_sha": "v2"}},
		}},
		"without parts": {[]*v1alpha1.Trigger{apart("body.tags")}, request(t, `{"tags": []}`, nil), []explain.Answer{
			{Trigger: "apart", Pipeline: "web", Outcome: "NotMatched", Reason: "spec.webhook.each gives no element"},
		}},
		"not taken apart": {[]*v1alpha1.Trigger{apart("body.tags")}, request(t, `{"tags": "v1"}`, nil), []explain.Answer{
			{Trigger: "apart", Pipeline: "web", Outcome: "Invalid", Reason: "spec.webhook.each: 1:1: the result is of type string, but a list of objects is wanted: write it in [ ]"},
		}},
		"without headers": {all[:1], request(t, "github-push", nil), []explain.Answer{{
			Trigger: "web-push", Pipeline: "web", Outcome: "NotMatched", Reason: "no header names an event of github",
		}}},
		"not JSON": {all[:1], request(t, `{"ref": `, from("X-Github-Event", "push")), []explain.Answer{{
			Trigger: "web-push", Pipeline: "web", Outcome: "Invalid", Reason: "the request can't be read: decode JSON: unexpected end of JSON input",
		}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := explain.Explain(explain.Objects{Triggers: tt.triggers, Pipelines: []*v1alpha1.Pipeline{pipeline(v1alpha1.Param{Name: "git_sha"})}}, tt.request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What becomes of pull requests of forks, and of commands, is what the receiver would
// make of them, as far as the git host needn't be asked.
func TestExplainPullRequests(t *testing.T) {
	t.Parallel()
	of := func(edit func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
		return trigger("pr", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) {
			s.Webhook.Events = []v1alpha1.EventKind{v1alpha1.EventPullRequest}
			s.Params = map[string]string{"git_sha": "event.sha"}
			if edit != nil {
				edit(s)
			}
		})
	}
	reports := func(s *v1alpha1.TriggerSpec) { s.Report = &v1alpha1.Report{} }
	paths := func(edit func(*v1alpha1.TriggerSpec)) func(*v1alpha1.TriggerSpec) {
		return func(s *v1alpha1.TriggerSpec) {
			s.Webhook.Paths = []string{"src/**"}
			edit(s)
		}
	}
	pull := from("X-Github-Event", "pull_request")
	comment := from("X-Github-Event", "issue_comment")
	for name, tt := range map[string]struct {
		trigger *v1alpha1.Trigger
		request explain.Request
		outcome v1alpha1.DecisionOutcome
		says    string
	}{
		"a fork":                      {of(nil), request(t, "github-pull-synchronize", pull), "Held", "it waits for the label ok-to-test by someone with write access"},
		"a fork, reporting":           {of(reports), request(t, "github-pull-synchronize", pull), "Held", "or the comment /ok-to-test "},
		"a fork, reporting elsewhere": {of(func(s *v1alpha1.TriggerSpec) { s.Report = &v1alpha1.Report{Provider: "gitea"} }), request(t, "github-pull-synchronize", pull), "Held", "it waits for the label ok-to-test by someone with write access"},
		"forks are ignored":           {of(func(s *v1alpha1.TriggerSpec) { s.Webhook.Forks = v1alpha1.ForksIgnore }), request(t, "github-pull-synchronize", pull), "NotMatched", "spec.webhook.forks is Ignore"},
		"forks run":                   {of(func(s *v1alpha1.TriggerSpec) { s.Webhook.Forks = v1alpha1.ForksRun }), request(t, "github-pull-synchronize", pull), "Created", ""},
		"a command":                   {of(nil), request(t, "github-comment", comment), "Refused", "has no spec.report"},
		"the label":                   {of(nil), request(t, "github-pull-labeled", pull), "Created", "pull request 7 (opened)"},
		"the label, asked":            {of(reports), request(t, "github-pull-labeled", pull), "Held", "the label ok-to-test is for the git host to allow: it is asked whether"},
		"of unknown paths":            {of(paths(func(*v1alpha1.TriggerSpec) {})), request(t, "github-pull-opened", pull), "Created", "the git host lists no paths of a pull request"},
		"of paths to ask":             {of(paths(reports)), request(t, "github-pull-opened", pull), "Created", "; the git host is asked for the changed paths, and they decide"},
		"of a fork's paths":           {of(paths(reports)), request(t, "github-pull-synchronize", pull), "Held", "; the git host is asked for the changed paths, and they decide"},
		"one to be asked":             {of(reports), request(t, "github-comment", comment), "Held", "is for the git host to allow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := explain.Explain(explain.Objects{
				Triggers: []*v1alpha1.Trigger{tt.trigger}, Pipelines: []*v1alpha1.Pipeline{pipeline(v1alpha1.Param{Name: "git_sha"})},
			}, tt.request)
			if err != nil || len(got) != 1 || got[0].Outcome != tt.outcome || !strings.Contains(got[0].Reason, tt.says) {
				t.Errorf("got %+v, %v; want %s because of %q", got, err, tt.outcome, tt.says)
			}
		})
	}
}

// TestExplainNewBranch: there is nothing that the git host could compare it with.
func TestExplainNewBranch(t *testing.T) {
	t.Parallel()
	of := trigger("web-push", v1alpha1.ProviderGitHub, func(s *v1alpha1.TriggerSpec) {
		s.Webhook.Paths, s.Report = []string{"src/**"}, &v1alpha1.Report{}
	})
	got, err := explain.Explain(explain.Objects{Triggers: []*v1alpha1.Trigger{of}, Pipelines: []*v1alpha1.Pipeline{pipeline()}}, request(t, `{
		"ref": "refs/heads/new", "before": "0000000000000000000000000000000000000000", "after": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
		"repository": {"full_name": "acme/web"}}`, from("X-Github-Event", "push")))
	want := []explain.Answer{{
		Trigger: "web-push", Pipeline: "web", Outcome: "Created", Params: map[string]string{},
		Reason: "a push of refs/heads/new, not all changed paths are known: the ref is new",
	}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}
