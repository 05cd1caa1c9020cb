package githost_test

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/event"
)

func TestGitLab(t *testing.T) {
	t.Parallel()
	const (
		api   = "/api/v4/projects/acme%2Fteam%2Fweb"
		merge = `"iid":7,"title":"Greet","draft":false,"web_url":"https://git.example.com/7","source_branch":"main","target_branch":"main","labels":["ok-to-test"],
			"author":{"id":3,"username":"anna"},"target_project_id":1`
		base = `{"id":1,"path_with_namespace":"acme/team/web","http_url_to_repo":"https://git.example.com/acme/team/web.git"}`
	)
	user := exchange{request: "GET /api/v4/users?username=anna", answer: `[{"id":3,"username":"Anna","state":"active"}]`}
	member := func(code int, answer string) []exchange {
		return []exchange{user, {request: "GET " + api + "/members/all/3", code: code, answer: answer}}
	}
	from := func(project string) exchange {
		return exchange{request: "GET " + api + "/merge_requests/7", answer: `{"sha":"` + head + `",` + merge + `,"source_project_id":` + project + `}`}
	}
	lab := func(e *event.Event) {
		e.Repository, e.CloneURL, e.Ref = "acme/team/web", "https://git.example.com/acme/team/web.git", "refs/merge-requests/7/head"
		e.PullRequest.Labels = []string{"ok-to-test"}
	}
	posted := func(state string, code int, answer string) []exchange {
		return []exchange{{
			request: "POST " + api + "/statuses/" + head + ` {"description":"5 of 5 jobs succeeded","name":"kayci/web","state":"` + state + `","target_url":"https://ci.example.com/runs/ci/web-1"}`,
			code:    code, answer: answer,
		}}
	}
	compare := "GET " + api + "/repository/compare?from=" + before + "&straight=true&to=" + head
	table(t, v1alpha1.ProviderGitLab, map[string]call{
		"a developer":       {do: mayWrite("acme/team/web", "anna"), says: member(200, `{"id":3,"state":"active","access_level":30}`), want: true},
		"a reporter":        {do: mayWrite("acme/team/web", "anna"), says: member(200, `{"id":3,"state":"active","access_level":20}`), want: false},
		"a blocked owner":   {do: mayWrite("acme/team/web", "anna"), says: member(200, `{"id":3,"state":"blocked","access_level":50}`), want: false},
		"no member":         {do: mayWrite("acme/team/web", "anna"), says: member(404, `{"message":"404 Not found"}`), want: false},
		"no such project":   {do: mayWrite("acme/team/web", "anna"), says: member(404, `{"message":"404 Project Not Found"}`), want: false, error: "NotFound"},
		"nobody":            {do: mayWrite("acme/team/web", "anna"), says: []exchange{{request: user.request, answer: `[]`}}, want: false},
		"somebody else":     {do: mayWrite("acme/team/web", "anna"), says: []exchange{{request: user.request, answer: `[{"id":4,"username":"anna2"}]`}}, want: false},
		"of a fork":         {do: pull("acme/team/web"), says: []exchange{from("2"), {request: "GET " + api, answer: base}, {request: "GET /api/v4/projects/2", answer: `{"path_with_namespace":"anna/web"}`}}, want: fork(lab)},
		"of a fork unseen":  {do: pull("acme/team/web"), says: []exchange{from("2"), {request: "GET " + api, answer: base}, {request: "GET /api/v4/projects/2", code: 404}}, want: fork(func(e *event.Event) { lab(e); e.PullRequest.HeadRepository = "" })},
		"of a deleted fork": {do: pull("acme/team/web"), says: []exchange{from("null"), {request: "GET " + api, answer: base}, {request: "GET /api/v4/projects/0", code: 404}}, want: fork(func(e *event.Event) { lab(e); e.PullRequest.HeadRepository = "" })},
		"of the repository": {do: pull("acme/team/web"), says: []exchange{from("1"), {request: "GET " + api, answer: base}}, want: fork(func(e *event.Event) {
			lab(e)
			e.PullRequest.HeadRepository, e.PullRequest.Fork = "acme/team/web", false
		})},
		"paths of a request":    {do: changed("acme/team/web", byNumber), want: files{[]string{"a", "b"}, true}, says: []exchange{{request: "GET " + api + "/merge_requests/7/diffs?page=1&per_page=100", answer: `[{"old_path":"a","new_path":"b"}]`}}},
		"paths of a push":       {do: changed("acme/team/web", byCommit), want: files{[]string{"a"}, true}, says: []exchange{{request: compare, answer: `{"diffs":[{"old_path":"a","new_path":"a"}],"compare_timeout":false}`}}},
		"paths of a slow push":  {do: changed("acme/team/web", byCommit), want: files{nil, false}, says: []exchange{{request: compare, answer: `{"diffs":[],"compare_timeout":true}`}}},
		"success":               {do: status("acme/team/web"), says: posted("success", 201, `{"id":1}`)},
		"failure":               {do: status("acme/team/web", state(githost.Failure)), says: posted("failed", 201, `{"id":1}`)},
		"cancelled":             {do: status("acme/team/web", state(githost.Cancelled)), says: posted("canceled", 201, `{"id":1}`)},
		"running":               {do: status("acme/team/web", state(githost.Running)), says: posted("running", 201, `{"id":1}`)},
		"pending":               {do: status("acme/team/web", state(githost.Pending)), says: posted("pending", 201, `{"id":1}`)},
		"what is there already": {do: status("acme/team/web", state(githost.Running)), says: posted("running", 400, `{"message":"Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")"}`)},
		"what is wrong":         {do: status("acme/team/web"), says: posted("success", 400, `{"message":{"name":["is too long"]}}`), error: `Refused: POST 127.0.0.1:`},
		"a comment":             {do: comment("acme/team/web"), says: []exchange{{request: "POST " + api + `/merge_requests/7/notes {"body":"not \u003cb\u003eyou\u003c/b\u003e"}`, code: 201, answer: "{}"}}},
		"a thumb up":            {do: react("acme/team/web", githost.ThumbsUp, onPull), says: []exchange{{request: "POST " + api + `/merge_requests/7/notes/501/award_emoji {"name":"thumbsup"}`, code: 201, answer: `{"id":1}`}}},
		"a thumb down":          {do: react("acme/team/web", githost.ThumbsDown, onPull), says: []exchange{{request: "POST " + api + `/merge_requests/7/notes/501/award_emoji {"name":"thumbsdown"}`, code: 201, answer: `{"id":1}`}}},
		"a thumb that is there": {do: react("acme/team/web", githost.ThumbsUp, onPull), says: []exchange{{request: "POST " + api + `/merge_requests/7/notes/501/award_emoji {"name":"thumbsup"}`, code: 404, answer: `{"message":"404 Award Emoji Name has already been taken Not Found"}`}}},
		"a thumb at nothing":    {do: react("acme/team/web", githost.ThumbsUp, onPull), error: "NotFound: POST", says: []exchange{{request: "POST " + api + `/merge_requests/7/notes/501/award_emoji {"name":"thumbsup"}`, code: 404, answer: `{"message":"404 Note Not Found"}`}}},
		"a thumb out":           {do: react("acme/../web", githost.ThumbsUp, onPull), error: "is no name of a repository"},
		"no group":              {do: status("web"), error: "web is no name of a repository"},
		"a way out":             {do: status("acme/../web"), error: "is no name of a repository"},
	})
}
