package githost_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// hubRepo is a repository in an answer of GitHub or Gitea.
func hubRepo(name string) string {
	return fmt.Sprintf(`{"full_name":%q,"clone_url":"https://git.example.com/%s.git","id":4}`, name, name)
}

func hubPull(headRepo string) string {
	return `{"number":7,"title":"Greet","draft":false,"html_url":"https://git.example.com/7","merge_commit_sha":"` + strings.Repeat("c", 40) + `",
		"user":{"login":"anna"},"labels":[{"name":"ok-to-test"}],"state":"open",
		"head":{"ref":"main","sha":"` + head + `","repo":` + headRepo + `},"base":{"ref":"main","sha":"` + before + `","repo":` + hubRepo("acme/web") + `}}`
}

func hubEvent(e *event.Event) {
	e.CloneURL, e.MergeSHA, e.PullRequest.Labels = "https://git.example.com/acme/web.git", strings.Repeat("c", 40), []string{"ok-to-test"}
}

func hubFiles(count int) string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf(`{"filename":"f%03d","status":"modified"}`, i)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func names(count int, more ...string) []string {
	var all []string
	for i := range count {
		all = append(all, fmt.Sprintf("f%03d", i))
	}
	return append(all, more...)
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	permission := func(permission string) []exchange {
		return []exchange{{request: "GET /repos/acme/web/collaborators/anna/permission", answer: `{"permission":"` + permission + `","role_name":"maintain"}`}}
	}
	posted := func(state string) []exchange {
		return []exchange{{
			request: "POST /repos/acme/web/statuses/" + head + ` {"state":"` + state + `","context":"kayci/web","description":"5 of 5 jobs succeeded","target_url":"https://ci.example.com/runs/ci/web-1"}`,
			code:    201, answer: `{"id":1}`,
		}}
	}
	compare := "GET /repos/acme/web/compare/" + before + "..." + head
	table(t, v1alpha1.ProviderGitHub, map[string]call{
		"may write":        {do: mayWrite("acme/web", "anna"), says: permission("write"), want: true},
		"may administrate": {do: mayWrite("acme/web", "anna"), says: permission("admin"), want: true},
		"may read":         {do: mayWrite("acme/web", "anna"), says: permission("read"), want: false},
		"may nothing":      {do: mayWrite("acme/web", "anna"), says: permission("none"), want: false},
		"nobody": {do: mayWrite("acme/web", "anna"), want: false, says: []exchange{{
			request: "GET /repos/acme/web/collaborators/anna/permission", code: 404, answer: `{"message":"anna is not a user"}`,
		}}},
		"no such repository": {do: mayWrite("acme/web", "anna"), want: false, error: "NotFound: GET 127.0.0.1:", says: []exchange{{
			request: "GET /repos/acme/web/collaborators/anna/permission", code: 404, answer: `{"message":"Not Found"}`,
		}}},
		"a bot": {do: mayWrite("acme/web", "builder[bot]"), want: false, says: []exchange{{
			request: "GET /repos/acme/web/collaborators/builder%5Bbot%5D/permission", answer: `{"permission":"none"}`,
		}}},
		"of a fork":         {do: pull("acme/web"), says: []exchange{{request: "GET /repos/acme/web/pulls/7", answer: hubPull(hubRepo("anna/web"))}}, want: fork(hubEvent)},
		"of a deleted fork": {do: pull("acme/web"), says: []exchange{{request: "GET /repos/acme/web/pulls/7", answer: hubPull("null")}}, want: fork(func(e *event.Event) { hubEvent(e); e.PullRequest.HeadRepository = "" })},
		"of the repository": {do: pull("acme/web"), says: []exchange{{request: "GET /repos/acme/web/pulls/7", answer: hubPull(hubRepo("acme/web"))}}, want: fork(func(e *event.Event) {
			hubEvent(e)
			e.PullRequest.HeadRepository, e.PullRequest.Fork = "acme/web", false
		})},
		"of nowhere": {do: pull("acme/web"), says: []exchange{{request: "GET /repos/acme/web/pulls/7", answer: `{"number":7,"head":{"sha":"` + head + `"}}`}}, want: &event.Event{
			Kind: "pull_request", SHA: head, Ref: "refs/pull/7/head", PathsGap: event.GapPull, PullRequest: event.PullRequest{Number: 7, Fork: true},
		}},
		"no pull request": {do: pull("acme/web"), says: []exchange{{request: "GET /repos/acme/web/pulls/7", answer: `{}`}}, want: (*event.Event)(nil), error: "names no pull request"},
		"paths of a pull request": {do: changed("acme/web", byNumber), want: files{append([]string{"a", "b"}, names(100)...), true}, says: []exchange{
			{request: "GET /repos/acme/web/pulls/7/files?page=1&per_page=100", answer: hubFiles(100)},
			{request: "GET /repos/acme/web/pulls/7/files?page=2&per_page=100", answer: `[{"filename":"b","previous_filename":"a"}]`},
		}},
		"paths of a push":        {do: changed("acme/web", byCommit), want: files{[]string{"a"}, true}, says: []exchange{{request: compare, answer: `{"status":"ahead","files":[{"filename":"a"}]}`}}},
		"paths of a large push":  {do: changed("acme/web", byCommit), want: files{names(300), false}, says: []exchange{{request: compare, answer: `{"status":"ahead","files":` + hubFiles(300) + `}`}}},
		"paths of a forced push": {do: changed("acme/web", byCommit), want: files{[]string{"a"}, false}, says: []exchange{{request: compare, answer: `{"status":"diverged","files":[{"filename":"a"}]}`}}},
		"more than is read":      {do: changed("acme/web", byCommit), want: files{nil, false}, says: []exchange{{request: compare, answer: `{"x":"` + strings.Repeat("x", 1<<20) + `"}`}}},
		"success":                {do: status("acme/web"), says: posted("success")},
		"failure":                {do: status("acme/web", state(githost.Failure)), says: posted("failure")},
		"cancelled":              {do: status("acme/web", state(githost.Cancelled)), says: posted("error")},
		"pending":                {do: status("acme/web", state(githost.Pending)), says: posted("pending")},
		"running":                {do: status("acme/web", state(githost.Running)), says: posted("pending")},
		"without a page": {do: status("acme/web", withoutPage), says: []exchange{{
			request: "POST /repos/acme/web/statuses/" + head + ` {"state":"success","context":"kayci/web","description":"5 of 5 jobs succeeded"}`, code: 201,
		}}},
		"a comment":             {do: comment("acme/web"), says: []exchange{{request: `POST /repos/acme/web/issues/7/comments {"body":"not \u003cb\u003eyou\u003c/b\u003e"}`, code: 201, answer: "{}"}}},
		"a thumb up":            {do: react("acme/web", githost.ThumbsUp, onPull), says: []exchange{{request: `POST /repos/acme/web/issues/comments/501/reactions {"content":"+1"}`, code: 201, answer: `{"id":1}`}}},
		"a thumb that is there": {do: react("acme/web", githost.ThumbsDown, onPull), says: []exchange{{request: `POST /repos/acme/web/issues/comments/501/reactions {"content":"-1"}`, code: 200, answer: `{"id":1}`}}},
		"a thumb at a line":     {do: react("acme/web", githost.ThumbsDown, onLine), says: []exchange{{request: `POST /repos/acme/web/pulls/comments/501/reactions {"content":"-1"}`, code: 201, answer: `{"id":1}`}}},
		"a thumb too many":      {do: react("acme/web", githost.ThumbsUp, onPull), error: "Forbidden: POST", says: []exchange{{request: `POST /repos/acme/web/issues/comments/501/reactions {"content":"+1"}`, code: 403, answer: `{"message":"Resource not accessible by personal access token"}`}}},
		"a thumb out":           {do: react("acme/..", githost.ThumbsUp, onPull), error: "is no name of a repository"},
		"a name of three":       {do: status("acme/web/x"), error: "acme/web/x is no name of a repository"},
		"a way out":             {do: status("acme/.."), error: "acme/.. is no name of a repository"},
		"an escaped way out":    {do: status("acme/..%2f"), error: "is no name of a repository"},
		"a query in a name":     {do: status("acme/web?x"), error: "is no name of a repository"},
		"a control character":   {do: status("acme/w\neb"), error: `acme/w\x0aeb is no name of a repository`},
		"a user with a slash":   {do: mayWrite("acme/web", "../anna"), want: false, error: "../anna is no user's name"},
		"a user without name":   {do: mayWrite("acme/web", ""), want: false, error: "is no user's name"},
		"commits that are none": {do: changed("acme/web", githost.Change{Before: "main", After: head}), want: files{}, error: "main is no commit"},
	})
}
