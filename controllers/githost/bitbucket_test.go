package githost_test

import (
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func TestBitbucket(t *testing.T) {
	t.Parallel()
	const (
		api     = "/2.0/repositories/acme/web"
		uuid    = "{1f3c4a5e-0000-4000-8000-00000000000a}"
		account = "557058:1f3c4a5e-0000-4000-8000-00000000000b"
	)
	byUUID := `GET /2.0/workspaces/acme/permissions/repositories/web?q=user.uuid%3D%22%7B1f3c4a5e-0000-4000-8000-00000000000a%7D%22`
	byAccount := `GET /2.0/workspaces/acme/permissions/repositories/web?q=user.account_id%3D%22557058%3A1f3c4a5e-0000-4000-8000-00000000000b%22`
	side := func(repository, hash string) string {
		return `{"branch":{"name":"main"},"commit":{"hash":"` + hash + `"},"repository":` + repository + `}`
	}
	repository := func(name string) string {
		return `{"full_name":"` + name + `","links":{"html":{"href":"https://git.example.com/` + name + `"}}}`
	}
	request := func(from string) exchange {
		return exchange{request: "GET " + api + "/pullrequests/7", answer: `{"id":7,"title":"Greet","draft":false,"author":{"display_name":"Anna","uuid":"` + uuid + `","account_id":"` + account + `"},
			"source":` + side(from, head[:12]) + `,"destination":` + side(repository("acme/web"), before[:12]) + `,"links":{"html":{"href":"https://git.example.com/7"}}}`}
	}
	cloud := func(e *event.Event) {
		e.CloneURL, e.Ref, e.Sender, e.PullRequest.Author = "https://git.example.com/acme/web", "", account, account
	}
	posted := func(state string) []exchange {
		return []exchange{{
			request: "POST " + api + "/commit/" + head + `/statuses/build {"key":"kayci/web","state":"` + state + `","name":"kayci/web","description":"5 of 5 jobs succeeded","url":"https://ci.example.com/runs/ci/web-1"}`, code: 201, answer: "{}",
		}}
	}
	long := "kayci/" + strings.Repeat("w", 52)
	table(t, v1alpha1.ProviderBitbucket, map[string]call{
		"may write":     {do: mayWrite("acme/web", uuid), says: []exchange{{request: byUUID, answer: `{"values":[{"permission":"write","user":{"uuid":"` + uuid + `"}}]}`}}, want: true},
		"administrates": {do: mayWrite("acme/web", account), says: []exchange{{request: byAccount, answer: `{"values":[{"permission":"admin","user":{"account_id":"` + account + `"}}]}`}}, want: true},
		"may read":      {do: mayWrite("acme/web", uuid), says: []exchange{{request: byUUID, answer: `{"values":[{"permission":"read","user":{"uuid":"` + uuid + `"}}]}`}}, want: false},
		"somebody else": {do: mayWrite("acme/web", uuid), says: []exchange{{request: byUUID, answer: `{"values":[{"permission":"admin","user":{"uuid":"{x}"}}]}`}}, want: false},
		"nobody":        {do: mayWrite("acme/web", uuid), says: []exchange{{request: byUUID, answer: `{"values":[]}`}}, want: false},
		"a nickname":    {do: mayWrite("acme/web", "anna"), want: false, error: "anna is no UUID or account id"},
		"an injection":  {do: mayWrite("acme/web", `557058:" OR permission="write" `), want: false, error: "is no UUID or account id"},
		"of a fork": {do: pull("acme/web"), want: fork(cloud), says: []exchange{
			request(repository("anna/web")), {request: "GET /2.0/repositories/anna/web/commit/" + head[:12], answer: `{"hash":"` + head + `"}`},
		}},
		"of a deleted fork": {do: pull("acme/web"), want: fork(func(e *event.Event) { cloud(e); e.PullRequest.HeadRepository = "" }), says: []exchange{
			request("null"), {request: "GET " + api + "/commit/" + head[:12], answer: `{"hash":"` + head + `"}`},
		}},
		"paths of a pull request": {do: changed("acme/web", byNumber), want: files{[]string{"a", "b", "c"}, true}, says: []exchange{
			{request: "GET " + api + "/pullrequests/7/diffstat?page=1&pagelen=100", answer: `{"values":[{"old":{"path":"a"},"new":{"path":"b"}}],"next":"https://other.example.com/"}`},
			{request: "GET " + api + "/pullrequests/7/diffstat?page=2&pagelen=100", answer: `{"values":[{"old":null,"new":{"path":"c"}}]}`},
		}},
		"paths of a push": {do: changed("acme/web", byCommit), want: files{[]string{"a"}, true}, says: []exchange{{
			request: "GET " + api + "/diffstat/" + head + ".." + before + "?page=1&pagelen=100&topic=false", answer: `{"values":[{"old":{"path":"a"},"new":null}]}`,
		}}},
		"success":   {do: status("acme/web"), says: posted("SUCCESSFUL")},
		"failure":   {do: status("acme/web", state(githost.Failure)), says: posted("FAILED")},
		"pending":   {do: status("acme/web", state(githost.Pending)), says: posted("INPROGRESS")},
		"running":   {do: status("acme/web", state(githost.Running)), says: posted("INPROGRESS")},
		"a way out": {do: status("acme/.."), error: "is no name of a repository"},
		"cancelled, without a page and by a long name": {do: status("acme/web", state(githost.Cancelled), withoutPage, func(s *githost.Status) { s.Context = long }), says: []exchange{{
			request: "POST " + api + "/commit/" + head + `/statuses/build {"key":"` + bitbucketKey(long) + `","state":"STOPPED","name":"` + long + `","description":"5 of 5 jobs succeeded","url":"https://bitbucket.org/acme/web/commits/` + head + `"}`, code: 201, answer: "{}",
		}}},
		"a thumb":   {do: react("acme/web", githost.ThumbsUp, onPull), want: "no reactions"},
		"a comment": {do: comment("acme/web"), says: []exchange{{request: "POST " + api + `/pullrequests/7/comments {"content":{"raw":"not \u003cb\u003eyou\u003c/b\u003e"}}`, code: 201, answer: "{}"}}},
	})
}

func TestBitbucketServer(t *testing.T) {
	t.Parallel()
	const api = "/context/rest/api/1.0/projects/ACME/repos/web"
	users := "GET /context/rest/api/1.0/users?filter=anna&limit=100&permission.1=REPO_WRITE&permission.1.projectKey=ACME&permission.1.repositorySlug=web"
	at := func(repository string) string {
		return `{"id":"refs/heads/main","displayId":"main","latestCommit":"` + head + `","repository":` + repository + `}`
	}
	ref := func(project string) string {
		return at(`{"slug":"web","project":{"key":"` + project + `"},
			"links":{"clone":[{"name":"ssh","href":"ssh://git.example.com/web"},{"name":"http","href":"https://git.example.com/web.git"}]}}`)
	}
	from := func(ref string, to string) []exchange {
		return []exchange{{
			request: "GET " + api + "/pull-requests/7",
			answer:  `{"id":7,"title":"Greet","author":{"user":{"name":"anna"}},"fromRef":` + ref + `,"toRef":` + to + `,"links":{"self":[{"href":"https://git.example.com/7"}]}}`,
		}}
	}
	server := func(e *event.Event) {
		e.Repository, e.CloneURL, e.Ref, e.PullRequest.HeadRepository = "ACME/web", "https://git.example.com/web.git", "refs/pull-requests/7/from", "~anna/web"
	}
	posted := func(state, url string) []exchange {
		return []exchange{{request: "POST " + api + "/commits/" + head + `/builds {"key":"kayci/web","state":"` + state + `","name":"kayci/web","description":"5 of 5 jobs succeeded","url":"` + url + `"}`, code: 204}}
	}
	table(t, v1alpha1.ProviderBitbucketServer, map[string]call{
		"may write":         {do: mayWrite("ACME/web", "anna"), says: []exchange{{request: users, answer: `{"values":[{"name":"anna2","active":true},{"name":"Anna","active":true}]}`}}, want: true},
		"may not":           {do: mayWrite("ACME/web", "anna"), says: []exchange{{request: users, answer: `{"values":[{"name":"anna2","active":true}]}`}}, want: false},
		"is locked out":     {do: mayWrite("ACME/web", "anna"), says: []exchange{{request: users, answer: `{"values":[{"name":"anna","active":false}]}`}}, want: false},
		"of a fork":         {do: pull("ACME/web"), want: fork(server), says: from(ref("~anna"), ref("ACME"))},
		"of a deleted fork": {do: pull("ACME/web"), want: fork(func(e *event.Event) { server(e); e.PullRequest.HeadRepository = "" }), says: from(at("null"), ref("ACME"))},
		"of the repository": {do: pull("ACME/web"), says: from(ref("ACME"), ref("ACME")), want: fork(func(e *event.Event) {
			server(e)
			e.PullRequest.HeadRepository, e.PullRequest.Fork = "ACME/web", false
		})},
		"paths of a pull request": {do: changed("ACME/web", byNumber), want: files{[]string{"a", "b", "c"}, true}, says: []exchange{
			{request: "GET " + api + "/pull-requests/7/changes?limit=100", answer: `{"values":[{"path":{"toString":"b"},"srcPath":{"toString":"a"}}],"isLastPage":false,"nextPageStart":100}`},
			{request: "GET " + api + "/pull-requests/7/changes?limit=100&start=100", answer: `{"values":[{"path":{"toString":"c"}}],"isLastPage":true}`},
		}},
		"paths of a push": {do: changed("ACME/web", byCommit), want: files{[]string{"a"}, true}, says: []exchange{{
			request: "GET " + api + "/compare/changes?from=" + head + "&limit=100&to=" + before, answer: `{"values":[{"path":{"toString":"a"}}],"isLastPage":true}`,
		}}},
		"success":       {do: status("ACME/web"), says: posted("SUCCESSFUL", "https://ci.example.com/runs/ci/web-1")},
		"cancelled":     {do: status("ACME/web", state(githost.Cancelled)), says: posted("FAILED", "https://ci.example.com/runs/ci/web-1")},
		"failure":       {do: status("ACME/web", state(githost.Failure)), says: posted("FAILED", "https://ci.example.com/runs/ci/web-1")},
		"pending":       {do: status("ACME/web", state(githost.Pending)), says: posted("INPROGRESS", "https://ci.example.com/runs/ci/web-1")},
		"a way out":     {do: status("ACME/.."), error: "is no name of a repository"},
		"running":       {do: status("ACME/web", state(githost.Running)), says: posted("INPROGRESS", "https://ci.example.com/runs/ci/web-1")},
		"a thumb":       {do: react("ACME/web", githost.ThumbsUp, onPull), want: "no reactions"},
		"a comment":     {do: comment("ACME/web"), says: []exchange{{request: "POST " + api + `/pull-requests/7/comments {"text":"not \u003cb\u003eyou\u003c/b\u003e"}`, code: 201, answer: "{}"}}},
		"a wrong name":  {do: comment("ACME"), error: "ACME is no name of a repository"},
		"a user's repo": {do: comment("~anna/web"), says: []exchange{{request: `POST /context/rest/api/1.0/projects/~anna/repos/web/pull-requests/7/comments {"text":"not \u003cb\u003eyou\u003c/b\u003e"}`, code: 201}}},
	})
}
